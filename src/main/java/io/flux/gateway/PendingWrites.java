package io.flux.gateway;

import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the bytes that were handed to Vert.x and not yet written to the socket. Vert.x's own {@code writeQueueFull} does
 * not know of writes that are still on their way to the event loop, so that a burst from another thread could grow without
 * bound; this count does. Thread-safe.
 */
final class PendingWrites {
    private static final long HIGH_WATER = 256 * 1024;
    private static final long LOW_WATER = 64 * 1024;

    private final List<Runnable> waiting = new ArrayList<>();
    private final LongAdder sent;
    private long pending;
    private long written;
    private boolean closed;

    /** @param sent counts the bytes of all connections, too */
    PendingWrites(LongAdder sent) {
        this.sent = sent;
    }

    /** Notes a write that was begun. */
    void add(String text, Future<Void> done) {
        // Exact for ASCII, and bounded for the rest; encoding it a second time would cost more than it tells.
        long size = text.length();
        sent.add(size);
        synchronized (this) {
            pending += size;
        }
        done.onComplete(result -> settle(size));
    }

    private void settle(long size) {
        List<Runnable> ready = List.of();
        synchronized (this) {
            pending -= size;
            written += size;
            if (pending <= LOW_WATER && !waiting.isEmpty()) {
                ready = List.copyOf(waiting);
                waiting.clear();
            }
        }
        ready.forEach(Runnable::run);
    }

    synchronized boolean areMany() {
        return pending > HIGH_WATER;
    }

    synchronized boolean areNone() {
        return pending == 0;
    }

    /** Bytes that have reached the socket so far. */
    synchronized long written() {
        return written;
    }

    /** Runs {@code action} once, when few are left; never when the connection is closed before. */
    void whenFew(Runnable action) {
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

    /** Nobody waits any more. */
    synchronized void close() {
        closed = true;
        waiting.clear();
    }
}
