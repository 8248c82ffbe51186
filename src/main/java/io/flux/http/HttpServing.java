package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.KeyCertOptions;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Listens for HTTP and WebSocket on one port. Started when every route is up, so that nobody is let in before there is
 * something to answer; closed by its owner. Not thread-safe: one thread starts and stops it; another may renew its
 * certificate.
 */
public final class HttpServing implements AutoCloseable {
    private static final long BOUND_SECONDS = 10;

    private final Vertx vertx;
    private final Handler<HttpServerRequest> handler;
    private final HttpServerOptions options;
    private final Certificate certificate;
    private final Connections connections;
    private HttpServer server;

    /**
     * @param certificate null for plain HTTP
     */
    HttpServing(
            Vertx vertx,
            Handler<HttpServerRequest> handler,
            HttpServerOptions options,
            Certificate certificate,
            Connections connections) {
        this.certificate = certificate;
        this.connections = connections;
        if (certificate != null) {
            options.setSsl(true).setKeyCertOptions(KeyCertOptions.wrap(certificate));
        }
        this.vertx = vertx;
        this.handler = handler;
        this.options = connections.configure(options);
    }

    /**
     * Begins to listen; blocks until it does.
     *
     * @throws IllegalStateException when the address cannot be had, saying what to change
     */
    public void listen() {
        HttpServer opening =
                vertx.createHttpServer(options).connectionHandler(this::opened).requestHandler(handler);
        try {
            opening.listen().toCompletionStage().toCompletableFuture().get(BOUND_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(
                    "cannot listen on " + options.getHost() + ":" + options.getPort()
                            + "; is another process there? FLUX_PORT and FLUX_HOST choose another address",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while opening the port", e);
        }
        server = opening;
    }

    /** The guard of the connection comes first: it passes the requests on one after the other, which the second relies on. */
    private void opened(HttpConnection connection) {
        connections.opened(connection);
        MalformedBodies.watch(connection);
    }

    /** Takes a certificate that was replaced, if there is one and it is right; blocks for reading it. */
    public void renewCertificate() {
        if (certificate != null) {
            certificate.renew();
        }
    }

    /** The port that it listens on; 0 before {@link #listen}. */
    public int port() {
        return server == null ? 0 : server.actualPort();
    }

    /** Where a browser on this machine finds it. */
    public String address() {
        String host = options.getHost();
        String reachable = host.equals("0.0.0.0") || host.equals("::") ? "localhost" : host;
        return (options.isSsl() ? "https://" : "http://")
                + (reachable.contains(":") ? "[" + reachable + "]" : reachable) + ":" + port();
    }

    @Override
    public void close() throws InterruptedException, ExecutionException, TimeoutException {
        if (server != null) {
            server.close().toCompletionStage().toCompletableFuture().get(BOUND_SECONDS, TimeUnit.SECONDS);
            server = null;
        }
    }
}
