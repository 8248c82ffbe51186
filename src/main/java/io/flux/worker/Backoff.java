package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.retry.GrowingPause;
import java.time.Duration;

/**
 * How long a job waits before its next attempt: not at all when the attempt before is no sign of trouble, else twice as
 * long each time. Immutable.
 */
public final class Backoff {
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final GrowingPause pause;

    /**
     * @param first after the first failure; zero for never to wait
     */
    public Backoff(Duration first) {
        this.pause = new GrowingPause(first, LONGEST);
    }

    /** The time until the next attempt. */
    public Duration delay(Attempt attempt, EngineEnd end) {
        return Verdict.counts(end) ? after(attempt.failures()) : Duration.ZERO;
    }

    /** After so many earlier failures. */
    Duration after(int failures) {
        return pause.after(failures);
    }
}
