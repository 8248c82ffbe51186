package io.flux.http;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the bytes of requests and messages that this process holds: those that are still to be received in full, and those
 * that are received and not processed yet. Above its limit the request that has been incomplete for longest is given up.
 *
 * <p>So clients that begin requests and never end them take the room of each other, and not the room of clients whose
 * requests arrive at once. Thread-safe; a request is given up on its own event loop.
 */
final class InputBudget {
    /** The share of the heap that may be taken. A request becomes text, a tree and text again while it is processed. */
    private static final int HEAP_SHARE = 8;

    private final long limit;
    private final AtomicLong held = new AtomicLong();
    private final Set<Incomplete> incomplete = new LinkedHashSet<>();

    /** A request or a message of which a part has been received. */
    interface Incomplete {
        /**
         * Answers it with an error and closes its connection, at once or soon.
         *
         * @return the bytes that this sets free
         */
        long giveUp();
    }

    /** @param limit bytes */
    InputBudget(long limit) {
        this.limit = limit;
    }

    /**
     * A limit for this JVM.
     *
     * @param messageLimit the largest message, bytes: some of these always have room
     */
    static InputBudget ofHeap(int messageLimit) {
        return new InputBudget(Math.max(Runtime.getRuntime().maxMemory() / HEAP_SHARE, 16L * messageLimit));
    }

    /** Whether nothing more is to be taken in. */
    boolean isFull() {
        return held.get() > limit;
    }

    /** Bytes that are held now. */
    long held() {
        return held.get();
    }

    void remove(long bytes) {
        held.addAndGet(-bytes);
    }

    /**
     * Counts bytes, and gives up incomplete requests while there are too many.
     *
     * @param receiver whose bytes they are; it is not given up here
     * @return false when the limit is exceeded still
     */
    boolean add(long bytes, Incomplete receiver) {
        long now = held.addAndGet(bytes);
        while (now > limit) {
            Incomplete oldest = takeOldest(receiver);
            if (oldest == null) {
                return false;
            }
            // What is given up on another event loop counts still for a moment.
            now -= oldest.giveUp();
        }
        return true;
    }

    private Incomplete takeOldest(Incomplete except) {
        synchronized (incomplete) {
            for (Incomplete candidate : incomplete) {
                if (candidate != except) {
                    incomplete.remove(candidate);
                    return candidate;
                }
            }
            return null;
        }
    }

    /** From here on it may be given up. */
    void begin(Incomplete request) {
        synchronized (incomplete) {
            incomplete.add(request);
        }
    }

    /** It is complete, or gone. */
    void end(Incomplete request) {
        synchronized (incomplete) {
            incomplete.remove(request);
        }
    }
}
