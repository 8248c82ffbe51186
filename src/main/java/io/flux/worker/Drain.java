package io.flux.worker;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a worker leaves: no new job, the time to finish those that it has, and what is not finished by then goes to another
 * worker, which continues the text.
 *
 * <pre>
 *   SERVING ──SIGTERM──▶ DRAINING ──no job left──────────────────────▶ empty
 *                            └──time over──▶ HANDING OVER ──no job left, or 3 s──▶ empty
 * </pre>
 *
 * One thread calls {@link #run}, once.
 */
public final class Drain {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);
    /** An engine is killed and its job given back within that; otherwise the lease runs out. */
    private static final Duration HAND_OVER = Duration.ofSeconds(3);

    private static final long STEP_MS = 10;

    private final Slots slots;
    private final Claims claims;
    private final Duration limit;

    /**
     * @param limit how long jobs may take to finish; zero hands them over at once
     */
    public Drain(Slots slots, Claims claims, Duration limit) {
        this.slots = slots;
        this.claims = claims;
        this.limit = limit;
    }

    /** Drains; blocks for at most the limit and three seconds. */
    public void run() throws InterruptedException {
        slots.suspend();
        if (claims.count() > 0) {
            LOG.info("Finishing {}, for at most {} s", jobs(), limit.toSeconds());
        }
        if (awaitIdle(limit)) {
            return;
        }
        LOG.info("Handing {} over to other workers", jobs());
        long end = System.nanoTime() + HAND_OVER.toNanos();
        do {
            claims.handOver(); // again: a pop that was under way may have brought another one
        } while (!awaitIdle(Duration.ofMillis(STEP_MS)) && System.nanoTime() < end);
    }

    private String jobs() {
        int count = claims.count();
        return count == 1 ? "1 job" : count + " jobs";
    }

    private boolean awaitIdle(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        while (!slots.isIdle()) {
            if (System.nanoTime() >= end) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(STEP_MS);
        }
        return true;
    }
}
