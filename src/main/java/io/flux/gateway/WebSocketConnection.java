package io.flux.gateway;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;

/** A WebSocket client. */
final class WebSocketConnection implements Connection {
    /** A client that does not read for a while does not answer either, and is not gone for that. */
    private static final int PINGS = 3;

    private final String key;
    private final ServerWebSocket socket;
    private final PendingWrites writes;
    private boolean closed;
    private int unanswered;

    /**
     * @param socket just opened; called on its event loop, so that it cannot have closed yet
     * @param sent counts the bytes of all connections
     */
    WebSocketConnection(String key, ServerWebSocket socket, LongAdder sent) {
        this.key = key;
        this.writes = new PendingWrites(sent);
        this.socket = socket;
        socket.pongHandler(pong -> answered());
    }

    @Override
    public String key() {
        return key;
    }

    @Override
    public synchronized void send(String frame) {
        if (!closed) {
            writes.add(frame, socket.writeTextMessage(frame));
        }
    }

    @Override
    public boolean isBehind() {
        return writes.areMany();
    }

    @Override
    public void whenCaughtUp(Runnable action) {
        writes.whenFew(action);
    }

    private synchronized void answered() {
        unanswered = 0;
    }

    @Override
    public synchronized boolean ping() {
        if (closed) {
            return true; // others see to it
        }
        if (unanswered == PINGS) {
            return false;
        }
        unanswered++;
        socket.writePing(Buffer.buffer());
        return true;
    }

    @Override
    public synchronized void closed() {
        closed = true;
        writes.close();
    }

    @Override
    public void close(int code, String reason) {
        if (!socket.isClosed()) {
            byte[] text = reason.getBytes(StandardCharsets.UTF_8);
            socket.close((short) code, text.length <= 123 ? reason : "");
        }
    }
}
