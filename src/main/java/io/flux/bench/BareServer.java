package io.flux.bench;

import io.vertx.core.Vertx;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Answers questions as Flux does, with nothing behind it: no queue, no engine, no journal, one frame for each token. What clients get
 * from it is what they can take, and no Flux can be measured to be faster.
 */
public final class BareServer {
    private final Path stamps;

    private BareServer(Path stamps) {
        this.stamps = stamps;
    }

    /** @param args the folder of {@link Stamps} */
    public static void main(String[] args) {
        BareServer bare = new BareServer(Path.of(args[0]));
        var unused = Vertx.vertx()
                .createHttpServer()
                .webSocketHandler(socket -> socket.textMessageHandler(message -> bare.asked(socket, message)))
                .listen(0, "127.0.0.1")
                .onSuccess(
                        server -> System.out.println("Flux gateway ready at http://127.0.0.1:" + server.actualPort()));
    }

    private void asked(ServerWebSocket socket, String message) {
        Story story = Story.asked(new JsonObject(message).getString("prompt")).story();
        Thread writer = new Thread(() -> answer(socket, story), "writer");
        writer.setDaemon(true);
        writer.start();
    }

    private void answer(ServerWebSocket socket, Story story) {
        try {
            Stamps times = Stamps.write(stamps, story);
            long pause = story.perSecond() == 0 ? 0 : 1_000_000_000L / story.perSecond();
            long due = System.nanoTime();
            socket.writeTextMessage("{\"type\":\"ticket\",\"request_id\":\"bare\"}");
            StringBuilder token = new StringBuilder();
            for (int number = 0; number < story.tokens(); number++) {
                token.setLength(0);
                for (int i = 0; i < Story.TOKEN; i++) {
                    token.append(Story.character(number * Story.TOKEN + i));
                }
                times.set(number, System.nanoTime());
                var written = socket.writeTextMessage("{\"type\":\"token\",\"request_id\":\"bare\",\"seq\":"
                        + (number + 1) + ",\"content\":\"" + token + "\"}");
                if (pause > 0) {
                    due += pause;
                    LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
                } else if (number % 1000 == 0) {
                    // No more than a thousand frames wait for the socket.
                    written.toCompletionStage().toCompletableFuture().join();
                }
            }
            socket.writeTextMessage(
                    "{\"type\":\"complete\",\"request_id\":\"bare\",\"seq\":" + (story.tokens() + 1) + "}");
        } catch (IOException e) {
            socket.close((short) 1011, e.getMessage());
        }
    }
}
