package io.flux.engine;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.apache.hc.client5.http.ConnectTimeoutException;

/** What it means to a job that a step of asking its server threw something. */
final class HttpFailures {
    private HttpFailures() {}

    /**
     * A server that was not reached is nobody's fault and can be asked later. One that was reached and went away may have
     * been asked already: that is a failed attempt.
     *
     * @param thrown perhaps as the cause of something of Camel's
     */
    static EngineFailure of(Throwable thrown) {
        boolean broken = false;
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof EngineException known) {
                return known.failure();
            }
            if (cause instanceof ConnectException
                    || cause instanceof ConnectTimeoutException
                    || cause instanceof NoRouteToHostException
                    || cause instanceof UnknownHostException
                    || cause instanceof SSLHandshakeException
                    || cause instanceof SSLPeerUnverifiedException) {
                return EngineFailure.unavailable("the engine's server cannot be reached");
            }
            broken |= cause instanceof IOException;
        }
        return EngineFailure.failed(
                broken ? "the connection to the engine's server broke" : "the engine could not be asked");
    }
}
