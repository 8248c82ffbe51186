package io.flux.bench;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Clients that each ask for a story over a WebSocket of their own, all on one thread. */
final class StreamClients implements AutoCloseable {
    private final Vertx vertx =
            Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(1));
    private final WebSocketClient client =
            vertx.createWebSocketClient(new WebSocketClientOptions().setMaxConnections(100_000));

    /**
     * Connects, one client for each story, and has all of them ask at once when all are connected. Blocks until then.
     *
     * @throws CompletionException when one cannot connect
     */
    List<StoryStream> ask(int port, List<Story> stories) {
        WebSocketConnectOptions door =
                new WebSocketConnectOptions().setHost("127.0.0.1").setPort(port).setURI("/ws/generate");
        List<CompletableFuture<WebSocket>> sockets = stories.stream()
                .map(story -> client.connect(door).toCompletionStage().toCompletableFuture())
                .toList();
        CompletableFuture.allOf(sockets.toArray(CompletableFuture[]::new)).join();
        List<StoryStream> streams = stories.stream().map(StoryStream::new).toList();
        for (int i = 0; i < streams.size(); i++) {
            WebSocket socket = sockets.get(i).join();
            StoryStream stream = streams.get(i);
            socket.textMessageHandler(stream::received);
            socket.closeHandler(closed -> stream.lost());
            socket.writeTextMessage(new JsonObject()
                    .put("prompt", stream.story().prompt())
                    .put("max_tokens", stream.story().tokens())
                    .encode());
        }
        return streams;
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
