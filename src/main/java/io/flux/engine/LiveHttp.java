package io.flux.engine;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.RequestFailedException;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.io.CloseMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the HTTP client of Camel's {@code http} component ({@code http:…?httpClientConfigurer=#liveHttp}) fit for engines:
 *
 * <ul>
 *   <li>A request with the header {@link #CALL_HEADER} can be stopped from outside at any moment, before its answer begins
 *       too. The header is taken off, it is not the server's business.
 *   <li>A request is sent once. What is sent again silently is computed twice; a failed one is a failed attempt.
 *   <li>Nothing is read ahead or unpacked: compression makes a stream wait for a full block.
 *   <li>No redirects and no cookies: a key is for the server that it was meant for.
 *   <li>Connections are kept and are never waited for. One that was idle for a second is looked at first, as the server
 *       may have closed it meanwhile.
 * </ul>
 *
 * <p>All clients share one pool, which {@link #close} ends with all connections. Thread-safe.
 */
public final class LiveHttp implements HttpClientConfigurer, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LiveHttp.class);

    /** Names the {@link EngineCall} that a request belongs to. */
    public static final String CALL_HEADER = "X-Flux-Call";

    /** Far more than a worker can have slots. */
    private static final int CONNECTIONS = 1 << 16;

    private static final int CONNECT_SECONDS = 10;
    private static final int TRUSTED_SECONDS = 1;

    private final Engines engines;
    private final PoolingHttpClientConnectionManager connections = PoolingHttpClientConnectionManagerBuilder.create()
            .setMaxConnTotal(CONNECTIONS)
            .setMaxConnPerRoute(CONNECTIONS)
            .setDefaultConnectionConfig(ConnectionConfig.custom()
                    .setConnectTimeout(CONNECT_SECONDS, TimeUnit.SECONDS)
                    .setValidateAfterInactivity(TRUSTED_SECONDS, TimeUnit.SECONDS)
                    .build())
            .build();

    /** @param engines knows the calls */
    public LiveHttp(Engines engines) {
        this.engines = engines;
    }

    @Override
    public void configureHttpClient(HttpClientBuilder client) {
        client.setConnectionManager(connections)
                .setConnectionManagerShared(true)
                .disableAutomaticRetries()
                .disableRedirectHandling()
                .disableCookieManagement()
                .disableContentCompression()
                .addExecInterceptorFirst("flux-call", this::execute);
    }

    private ClassicHttpResponse execute(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        Header name = request.getFirstHeader(CALL_HEADER);
        if (name == null) {
            return chain.proceed(request, scope);
        }
        request.removeHeaders(CALL_HEADER);
        HttpRun run = engines.calling(name.getValue());
        if (run == null) {
            throw new RequestFailedException("call " + name.getValue() + " is over");
        }
        run.begin((Cancellable) scope.originalRequest);
        return chain.proceed(request, scope);
    }

    @Override
    public void close() {
        connections.close(CloseMode.IMMEDIATE);
        LOG.debug("connections to engines closed");
    }
}
