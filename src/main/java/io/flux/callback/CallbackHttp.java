package io.flux.callback;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.io.CloseMode;

/**
 * Makes the HTTP client of Camel's {@code http} component fit for addresses that strangers have named
 * ({@code http:…?httpClientConfigurer=#callbackHttp}): it connects to allowed addresses only, follows no redirects, keeps
 * no cookies, and reads nothing of an answer but its status. Thread-safe.
 */
public final class CallbackHttp implements HttpClientConfigurer, AutoCloseable {
    private static final int CONNECT_SECONDS = 5;

    private final PoolingHttpClientConnectionManager connections;

    public CallbackHttp(CallbackTargets targets) {
        this.connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setDnsResolver(targets)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(CONNECT_SECONDS, TimeUnit.SECONDS)
                        .build())
                .build();
    }

    @Override
    public void configureHttpClient(HttpClientBuilder client) {
        client.setConnectionManager(connections)
                .setConnectionManagerShared(true)
                .disableAutomaticRetries()
                .disableRedirectHandling()
                .disableCookieManagement()
                .disableContentCompression()
                .addExecInterceptorFirst("flux-status-only", CallbackHttp::execute);
    }

    private static ClassicHttpResponse execute(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        ClassicHttpResponse response = chain.proceed(request, scope);
        response.setEntity(null);
        scope.execRuntime.discardEndpoint();
        return response;
    }

    @Override
    public void close() {
        connections.close(CloseMode.IMMEDIATE);
    }
}
