package io.flux.bench;

import io.vertx.core.http.WebSocket;
import io.vertx.core.json.JsonObject;
import java.util.concurrent.CompletableFuture;

/** One WebSocket, with one answer at a time. What it is told to do happens on its event loop, in order; no method blocks. */
final class StreamClient {
    private final WebSocket socket;
    private volatile StoryStream stream;

    StreamClient(WebSocket socket) {
        this.socket = socket;
        socket.textMessageHandler(frame -> {
            StoryStream now = stream;
            if (now != null) {
                now.received(frame);
            }
        });
        socket.closeHandler(closed -> {
            StoryStream now = stream;
            if (now != null) {
                now.lost();
            }
        });
    }

    /** Asks. */
    void ask(StoryStream answer) {
        ask(answer, "grace");
    }

    /** @param onDisconnect what becomes of the job when nobody follows it any more */
    void ask(StoryStream answer, String onDisconnect) {
        stream = answer;
        answer.asked();
        send(new JsonObject()
                .put("prompt", answer.question().prompt())
                .put("max_tokens", answer.question().tokens())
                .put("on_disconnect", onDisconnect));
    }

    /** Goes on with an answer after what it has. */
    void resume(StoryStream answer) {
        stream = answer;
        send(new JsonObject()
                .put("type", "resume")
                .put("request_id", answer.id())
                .put("after", answer.seq()));
    }

    /** Follows from its beginning what somebody else has asked for. */
    void follow(StoryStream answer, String id) {
        stream = answer;
        send(new JsonObject().put("type", "resume").put("request_id", id).put("after", 0));
    }

    /** Has the job cancelled. */
    void cancel() {
        send(new JsonObject().put("type", "cancel").put("request_id", stream.id()));
    }

    private void send(JsonObject message) {
        socket.writeTextMessage(message.encode());
    }

    /** Reads nothing any more. */
    void pause() {
        socket.pause();
    }

    /** Reads again. */
    void read() {
        socket.resume();
    }

    /** Closes the socket, of which its answer is told nothing. Nothing more comes once that is done. */
    CompletableFuture<Void> leave() {
        stream = null;
        return socket.close().toCompletionStage().toCompletableFuture();
    }
}
