package io.flux.gateway;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * A WebSocket client.
 *
 * <p>Counts the bytes that were handed to Vert.x and not yet written to the socket. Vert.x's own
 * {@code writeQueueFull} does not know of writes that are still on their way to the event loop, so that a burst from
 * another thread could grow without bound; this count does.
 *
 * <p>Camel delivers the events of one socket on several threads, so a message may be processed before the socket is
 * known here: frames sent by then are kept and go out first when it is attached.
 */
final class WebSocketConnection implements Connection {
    private static final long HIGH_WATER = 256 * 1024;
    private static final long LOW_WATER = 64 * 1024;
    /** A client that does not read for a while does not answer either, and is not gone for that. */
    private static final int PINGS = 3;

    private final String key;
    private final Queue<String> early = new ArrayDeque<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private ServerWebSocket socket;
    private long pending;
    private boolean closed;
    private int unanswered;

    WebSocketConnection(String key) {
        this.key = key;
    }

    @Override
    public String key() {
        return key;
    }

    /** Makes the socket known; frames that were waiting for it go out. */
    synchronized void attach(ServerWebSocket opened) {
        socket = opened;
        try {
            opened.pongHandler(pong -> answered());
        } catch (IllegalStateException e) {
            // It has closed already, as whoever attaches it will see.
        }
        while (!early.isEmpty()) {
            write(early.remove());
        }
    }

    synchronized boolean isAttached() {
        return socket != null;
    }

    @Override
    public synchronized void send(String frame) {
        if (closed) {
            return;
        }
        if (socket == null) {
            early.add(frame);
        } else {
            write(frame);
        }
    }

    private void write(String frame) {
        long size = frame.length();
        pending += size;
        socket.writeTextMessage(frame).onComplete(written -> settle(size));
    }

    private void settle(long size) {
        List<Runnable> ready = List.of();
        synchronized (this) {
            pending -= size;
            if (pending <= LOW_WATER && !waiting.isEmpty()) {
                ready = List.copyOf(waiting);
                waiting.clear();
            }
        }
        ready.forEach(Runnable::run);
    }

    @Override
    public synchronized boolean isBehind() {
        return pending > HIGH_WATER;
    }

    @Override
    public void whenCaughtUp(Runnable action) {
        synchronized (this) {
            if (closed) {
                return;
            }
            if (pending > LOW_WATER) {
                waiting.add(action);
                return;
            }
        }
        action.run();
    }

    private synchronized void answered() {
        unanswered = 0;
    }

    @Override
    public synchronized boolean ping() {
        if (closed || socket == null) {
            return true; // others see to it
        }
        if (unanswered == PINGS) {
            return false;
        }
        unanswered++;
        socket.writePing(Buffer.buffer());
        return true;
    }

    /** The socket is gone. */
    synchronized void closed() {
        closed = true;
        early.clear();
        waiting.clear();
    }

    @Override
    public void close(int code, String reason) {
        ServerWebSocket open;
        synchronized (this) {
            open = socket;
        }
        if (open != null && !open.isClosed()) {
            byte[] text = reason.getBytes(StandardCharsets.UTF_8);
            open.close((short) code, text.length <= 123 ? reason : "");
        }
    }
}
