package io.flux.bench;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Clients with a WebSocket each, all on one thread. */
final class StreamClients implements AutoCloseable {
    /** Connections that are made at once: a listener's backlog has its bounds. */
    private static final int AT_ONCE = 500;

    private final Vertx vertx = Vertx.vertx(new VertxOptions()
            .setPreferNativeTransport(true)
            .setEventLoopPoolSize(1)
            .setWorkerPoolSize(1));
    private final WebSocketClient client =
            vertx.createWebSocketClient(new WebSocketClientOptions().setMaxConnections(100_000));

    /**
     * Connects so many clients. Blocks until all of them are.
     *
     * @throws CompletionException when one cannot connect
     */
    List<StreamClient> connect(int port, int number) {
        List<StreamClient> clients = new ArrayList<>();
        while (clients.size() < number) {
            List<CompletableFuture<StreamClient>> next = new ArrayList<>();
            for (int i = 0; i < Math.min(AT_ONCE, number - clients.size()); i++) {
                next.add(connect(port));
            }
            next.forEach(connected -> clients.add(connected.join()));
        }
        return clients;
    }

    /** Connects a client. Does not block. */
    CompletableFuture<StreamClient> connect(int port) {
        return client.connect(new WebSocketConnectOptions()
                        .setHost("127.0.0.1")
                        .setPort(port)
                        .setURI("/ws/generate"))
                .map(StreamClient::new)
                .toCompletionStage()
                .toCompletableFuture();
    }

    /**
     * Connects, one client for each story, and has all of them ask at once when all are connected. Blocks until then.
     *
     * @throws CompletionException when one cannot connect
     */
    List<StoryStream> ask(int port, List<? extends Question> questions) {
        List<StreamClient> clients = connect(port, questions.size());
        List<StoryStream> streams = questions.stream().map(StoryStream::new).toList();
        for (int i = 0; i < streams.size(); i++) {
            clients.get(i).ask(streams.get(i));
        }
        return streams;
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
