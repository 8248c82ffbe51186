package io.flux.engine;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
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
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.io.CloseMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the HTTP client of Camel's {@code http} component ({@code http:…?httpClientConfigurer=#liveHttp}) fit for engines:
 *
 * <ul>
 *   <li>A request with the header {@link #CALL_HEADER} can be stopped from outside at any moment, before its answer begins
 *       too. The header is taken off, it is not the server's business.
 *   <li>Its body is the call's to read: Camel would read it to its end, or wait for it, when the kamelet's exchange ends,
 *       which is before anybody has read a word.
 *   <li>A request is sent once. What is sent again silently is computed twice; a failed one is a failed attempt.
 *   <li>Nothing is read ahead or unpacked: compression makes a stream wait for a full block.
 *   <li>No redirects and no cookies: a key is for the server that it was meant for.
 *   <li>Connections are never waited for, and are kept. One that was idle for a second is looked at first, as the server
 *       may have closed it meanwhile. One that has carried events is kept only where a new one costs a handshake:
 *       llama-server closes it, though it promises to keep it, and the next request would find that out.
 * </ul>
 *
 * <p>All clients share one pool, which {@link #close} ends with all connections. Thread-safe.
 */
public final class LiveHttp implements HttpClientConfigurer, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LiveHttp.class);

    /** Names the {@link EngineCall} that a request belongs to. */
    public static final String CALL_HEADER = "X-Flux-Call";

    private static final ContentType EVENTS = ContentType.TEXT_EVENT_STREAM;

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
        ClassicHttpResponse response = chain.proceed(request, scope);
        HttpEntity body = response.getEntity();
        if (body != null) {
            if (!scope.route.isSecure() && EVENTS.isSameMimeType(ContentType.parseLenient(body.getContentType()))) {
                scope.execRuntime.markConnectionNonReusable();
            }
            response.setEntity(new Kept(body));
        }
        return response;
    }

    /** A body that is not closed, which would be to read it to its end, by who does not read it. */
    private static final class Kept extends HttpEntityWrapper {
        Kept(HttpEntity body) {
            super(body);
        }

        @Override
        public InputStream getContent() throws IOException {
            return new FilterInputStream(super.getContent()) {
                @Override
                public void close() {
                    // It ends when it was read, or with its request.
                }
            };
        }
    }

    @Override
    public void close() {
        connections.close(CloseMode.IMMEDIATE);
        LOG.debug("connections to engines closed");
    }
}
