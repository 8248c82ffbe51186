package io.flux.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The open connections of the server, each with its {@link ConnectionGuard}. Looks at all of them several times in the
 * shortest deadline: one task for all is cheaper than a timer for each of ten thousand. Thread-safe.
 */
final class Connections {
    private static final long LONGEST_PERIOD_MS = 1000;
    private static final int LOOKS = 4;

    private final Limits limits;
    private final InputBudget budget;
    private final Set<ConnectionGuard> open = ConcurrentHashMap.newKeySet();

    /**
     * How long a client may take.
     *
     * @param request from the first byte of a request's head to its last, and again for its body; the same for a WebSocket
     *     message, and for a TLS handshake
     * @param idle how long a connection may stay open without a request
     * @param unread how long what is sent to a client may stay unread, all of it
     */
    record Limits(Duration request, Duration idle, Duration unread) {}

    Connections(Vertx vertx, Limits limits, InputBudget budget) {
        this.limits = limits;
        this.budget = budget;
        long period = Math.max(1, Math.min(LONGEST_PERIOD_MS, limits.request().toMillis() / LOOKS));
        vertx.setPeriodic(period, timer -> {
            long now = System.nanoTime();
            open.forEach(guard -> guard.look(now));
        });
    }

    Limits limits() {
        return limits;
    }

    InputBudget budget() {
        return budget;
    }

    /** Sets what the server itself has for the same purpose. */
    HttpServerOptions configure(HttpServerOptions options) {
        return options
                // A compressed message of 10 KB may hold 10 MB, and is inflated before its size is known.
                .setPerMessageWebSocketCompressionSupported(false)
                .setPerFrameWebSocketCompressionSupported(false)
                // HTTP/2 is not wanted: its floods pass, and a connection that may become one has no deadline until its
                // first bytes have come.
                .setHttp2ClearTextEnabled(false)
                .setSslHandshakeTimeout(limits.request().toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS);
    }

    /** A client has connected; on the connection's event loop. */
    void opened(HttpConnection connection) {
        if (connection instanceof ConnectionBase base) {
            AcceptFailures.watch(base.channel().parent());
            new ConnectionGuard(this).install(base.channel().pipeline());
        }
    }

    void add(ConnectionGuard guard) {
        open.add(guard);
    }

    void remove(ConnectionGuard guard) {
        open.remove(guard);
    }
}
