package io.flux.callback;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.io.CloseMode;

/**
 * Makes the HTTP client of Camel's {@code http} component fit for addresses that strangers have named
 * ({@code http:…?httpClientConfigurer=#callbackHttp}): it connects to allowed addresses only, ends each posting in a
 * bounded time whatever the receiver does, follows no redirects, keeps no cookies, and reads nothing of an answer but its
 * status. Thread-safe.
 */
public final class CallbackHttp implements HttpClientConfigurer, AutoCloseable {
    /** For one whole posting: name, connection, request and the head of the answer. */
    public static final Duration DEADLINE = Duration.ofSeconds(10);

    private static final int CONNECT_SECONDS = 5;
    private static final int MAX_LINE = 8192;
    private static final int MAX_HEADERS = 100;

    private final PoolingHttpClientConnectionManager connections;
    private final Duration deadline;
    private final ScheduledThreadPoolExecutor deadlines = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "flux-callback-deadlines");
        thread.setDaemon(true);
        return thread;
    });

    /** @param deadline for one whole posting */
    public CallbackHttp(CallbackTargets targets, Duration deadline) {
        this.deadline = deadline;
        this.deadlines.setRemoveOnCancelPolicy(true);
        this.connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setDnsResolver(targets)
                .setConnectionFactory(ManagedHttpClientConnectionFactory.builder()
                        .http1Config(Http1Config.custom()
                                .setMaxLineLength(MAX_LINE)
                                .setMaxHeaderCount(MAX_HEADERS)
                                .build())
                        .build())
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(CONNECT_SECONDS, TimeUnit.SECONDS)
                        .build())
                // CallbackTurns bounds them, for each receiver and tenant.
                .setMaxConnPerRoute(CallbackTurns.MAX_POSTINGS)
                .setMaxConnTotal(CallbackTurns.MAX_POSTINGS)
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
                .addExecInterceptorFirst("flux-status-only", this::execute);
    }

    private ClassicHttpResponse execute(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        AtomicBoolean over = new AtomicBoolean();
        Future<?> end = deadlines.schedule(
                () -> {
                    over.set(true);
                    // Closes the connection, so that whichever read or write is waited for ends.
                    ((Cancellable) scope.originalRequest).cancel();
                },
                deadline.toMillis(),
                TimeUnit.MILLISECONDS);
        try {
            ClassicHttpResponse response = chain.proceed(request, scope);
            response.setEntity(null);
            scope.execRuntime.discardEndpoint();
            return response;
        } catch (IOException | HttpException | RuntimeException e) {
            if (over.get()) {
                throw new IOException("no answer within " + deadline.toMillis() + " ms", e);
            }
            throw e;
        } finally {
            end.cancel(false);
        }
    }

    @Override
    public void close() {
        deadlines.shutdownNow();
        connections.close(CloseMode.IMMEDIATE);
    }
}
