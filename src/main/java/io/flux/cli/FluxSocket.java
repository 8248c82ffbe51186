package io.flux.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One connection to Flux: whole text messages in and out. Used by one thread; its listener is called by others. */
final class FluxSocket {
    static final Duration CONNECT = Duration.ofSeconds(5);
    private static final long SEND_SECONDS = 5;

    private final WebSocket socket;

    /** What happens on the connection, in order. Nothing comes after {@link #lost}. */
    interface Listener {
        void message(String text);

        void pong();

        void lost(String reason);
    }

    private FluxSocket(WebSocket socket) {
        this.socket = socket;
    }

    /**
     * Connects; blocks until the connection is open, at most {@link #CONNECT}.
     *
     * @param key null for none
     * @throws java.net.http.WebSocketHandshakeException when something answered, but not as a WebSocket
     * @throws IOException when nothing did
     */
    static FluxSocket connect(HttpClient http, URI uri, String key, Listener listener)
            throws IOException, InterruptedException {
        WebSocket.Builder builder = http.newWebSocketBuilder().connectTimeout(CONNECT);
        if (key != null) {
            builder.header("Authorization", "Bearer " + key);
        }
        CompletableFuture<WebSocket> opening = builder.buildAsync(uri, new Assembler(listener));
        try {
            // The timeout of the builder covers the TCP connection only.
            return new FluxSocket(opening.get(2 * CONNECT.toSeconds(), TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        } catch (TimeoutException e) {
            opening.cancel(true);
            throw new IOException("no answer", e);
        }
    }

    /** Sends a message; false when the connection is gone. */
    boolean send(String message) throws InterruptedException {
        return done(socket.sendText(message, true));
    }

    /** Asks for a pong; false when the connection is gone. */
    boolean ping() throws InterruptedException {
        return done(socket.sendPing(ByteBuffer.allocate(0)));
    }

    private static boolean done(CompletableFuture<WebSocket> sending) throws InterruptedException {
        try {
            sending.get(SEND_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }

    /** Says goodbye if that can be done at once, and lets go. */
    void close() throws InterruptedException {
        if (!socket.isOutputClosed()) {
            done(socket.sendClose(WebSocket.NORMAL_CLOSURE, ""));
        }
        socket.abort();
    }

    /** Puts messages together that come in parts. */
    private static final class Assembler implements WebSocket.Listener {
        private final Listener listener;
        private final StringBuilder message = new StringBuilder();

        Assembler(Listener listener) {
            this.listener = listener;
        }

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            message.append(data);
            if (last) {
                listener.message(message.toString());
                message.setLength(0);
            }
            webSocket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onPong(WebSocket webSocket, ByteBuffer data) {
            listener.pong();
            webSocket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            listener.lost(reason.isEmpty() ? "closed with code " + statusCode : reason);
            return null;
        }

        @Override
        public void onError(WebSocket webSocket, Throwable error) {
            listener.lost(error.getMessage() == null ? error.toString() : error.getMessage());
        }
    }
}
