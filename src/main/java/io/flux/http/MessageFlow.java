package io.flux.http;

import io.vertx.core.http.ServerWebSocket;

/**
 * Stops reading a WebSocket whose messages come faster than they are processed, or whose client does not read the answers,
 * until that has changed. Messages of one socket are processed side by side, so that they must be counted.
 *
 * <p>Used on the socket's event loop only.
 */
final class MessageFlow {
    /** Messages that one socket may have under way. */
    static final int MESSAGES = 32;

    private static final long BYTES = 1024 * 1024;

    private final ServerWebSocket socket;
    private final InputBudget budget;
    private int underWay;
    private long bytes;
    private boolean paused;

    MessageFlow(ServerWebSocket socket, InputBudget budget) {
        this.socket = socket;
        this.budget = budget;
        socket.drainHandler(drained -> regulate());
    }

    /**
     * A message has come.
     *
     * @return false when there is no room for it in this process: it is to be rejected
     */
    boolean begin(long size) {
        boolean room = !budget.isFull();
        if (room) {
            underWay++;
            bytes += size;
            budget.add(size, null);
        }
        regulate();
        return room;
    }

    /** A message that was begun is processed. */
    void end(long size) {
        underWay--;
        bytes -= size;
        budget.remove(size);
        regulate();
    }

    private void regulate() {
        if (socket.isClosed()) {
            return;
        }
        boolean unread = socket.writeQueueFull();
        if (!paused && (unread || underWay >= MESSAGES || bytes >= BYTES)) {
            paused = true;
            socket.pause();
        } else if (paused && !unread && underWay <= MESSAGES / 2 && bytes <= BYTES / 2) {
            paused = false;
            socket.resume();
        }
    }
}
