package io.flux.cli;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** A WebSocket server that answers as a test says, and keeps what it was sent. */
final class FakeFlux implements AutoCloseable {
    private final Vertx vertx = Vertx.vertx();
    private final List<JsonObject> received = new CopyOnWriteArrayList<>();
    private final HttpServer server;

    /** @param onMessage what to do with each message; called by one thread */
    FakeFlux(BiConsumer<Client, JsonObject> onMessage) throws Exception {
        server = vertx.createHttpServer()
                .webSocketHandler(socket -> socket.textMessageHandler(text -> {
                    JsonObject message = new JsonObject(text);
                    received.add(message);
                    onMessage.accept(new Client(socket, message.getString("request_id")), message);
                }))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
    }

    String url() {
        return "http://127.0.0.1:" + server.actualPort();
    }

    /** Every message so far, of all connections. */
    List<JsonObject> received() {
        return received;
    }

    @Override
    public void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    /** Who sent a message, and the job that it was about. */
    record Client(ServerWebSocket socket, String id) {

        /** Sends an event; single quotes stand for double ones. */
        Client send(String event) {
            socket.writeTextMessage(withId(event).encode());
            return this;
        }

        private JsonObject withId(String event) {
            return new JsonObject(event.replace('\'', '"')).put("request_id", id);
        }

        Client ticket() {
            return send("{'type':'ticket','model':'default','position':1}");
        }

        Client start() {
            return send("{'type':'start','seq':1,'attempt':1,'queue_ms':5}");
        }

        Client token(long seq, String content) {
            socket.writeTextMessage(new JsonObject()
                    .put("type", "token")
                    .put("request_id", id)
                    .put("seq", seq)
                    .put("content", content)
                    .encode());
            return this;
        }

        Client complete(long seq) {
            return send("{'type':'complete','seq':" + seq + ",'finish_reason':'stop','token_count':38,"
                    + "'timings':{'ttft_ms':140,'tokens_per_second':19.4}}");
        }

        void drop() {
            socket.close((short) 1012, "restarting");
        }
    }
}
