package io.flux.e2e;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** A client of the WebSocket. */
final class FluxSocket extends FluxClient {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private volatile boolean closed;
    private volatile int closeCode;
    private volatile boolean paused;
    private WebSocket socket;

    private FluxSocket() {}

    static FluxSocket connect(URI address) {
        return connect(address, Map.of());
    }

    /** @param headers of the handshake */
    static FluxSocket connect(URI address, Map<String, String> headers) {
        return connect(CLIENT, address, headers);
    }

    /** @param http that trusts the server */
    static FluxSocket connect(HttpClient http, URI address) {
        return connect(http, address, Map.of());
    }

    private static FluxSocket connect(HttpClient http, URI address, Map<String, String> headers) {
        FluxSocket client = new FluxSocket();
        WebSocket.Builder builder = http.newWebSocketBuilder();
        headers.forEach(builder::header);
        client.socket = builder.buildAsync(address, client.new Listener()).join();
        return client;
    }

    /** The HTTP status that a handshake is answered with. */
    static int handshakeStatus(URI address, Map<String, String> headers) {
        try {
            connect(address, headers).close();
            return 101;
        } catch (CompletionException e) {
            if (e.getCause() instanceof WebSocketHandshakeException refused) {
                return refused.getResponse().statusCode();
            }
            throw e;
        }
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder partial = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            partial.append(data);
            if (last) {
                received(partial.toString());
                partial.setLength(0);
            }
            if (!paused) {
                webSocket.request(1);
            }
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            closeCode = statusCode;
            closed = true;
            return null;
        }

        @Override
        public void onError(WebSocket webSocket, Throwable error) {
            closed = true;
        }
    }

    /** Sends a text message, JSON or not. */
    void say(String message) {
        socket.sendText(message, true).join();
    }

    /** Sends a binary message. */
    void say(ByteBuffer message) {
        socket.sendBinary(message, true).join();
    }

    /** Cancels a job. */
    void cancel(String id) {
        say(JSON.createObjectNode().put("type", "cancel").put("request_id", id).toString());
    }

    /** Follows a job from an event on. */
    void resume(String id, long after) {
        say(JSON.createObjectNode()
                .put("type", "resume")
                .put("request_id", id)
                .put("after", after)
                .toString());
    }

    /** Asks for a job under this id. */
    void ask(String id, String prompt) {
        say(JSON.createObjectNode().put("request_id", id).put("prompt", prompt).toString());
    }

    /** Asks for a job and waits until an engine works on it. */
    void askAndStart(String id, String prompt) {
        ask(id, prompt);
        await(id, "start");
    }

    /** Asks for a job with more fields than a prompt: JSON without its braces. */
    void ask(String id, String prompt, String more) {
        say(JSON.createObjectNode()
                .put("request_id", id)
                .put("prompt", prompt)
                .toString()
                .replaceFirst("}$", "," + more + "}"));
    }

    /** Reads nothing any more, as a program that is busy elsewhere: what comes stays in the network's buffers. */
    void pause() {
        paused = true;
    }

    /** Reads again. */
    void unpause() {
        paused = false;
        socket.request(1);
    }

    /** What the other side has closed the connection with; 0 before. */
    int closeCode() {
        return closeCode;
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        if (!closed) {
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "")
                    .exceptionally(gone -> null)
                    .join();
        }
        socket.abort();
    }
}
