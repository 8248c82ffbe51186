package io.flux.worker;

import io.flux.engine.EngineEnd;
import java.time.Duration;

/**
 * How long a job waits before its next attempt: not at all when the attempt before is no sign of trouble, else twice as
 * long each time. Immutable.
 */
public final class Backoff {
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final Duration first;

    /**
     * @param first after the first failure; zero for never to wait
     */
    public Backoff(Duration first) {
        this.first = first;
    }

    /** The time until the next attempt. */
    public Duration delay(Attempt attempt, EngineEnd end) {
        return Verdict.counts(end) ? after(attempt.failures()) : Duration.ZERO;
    }

    /** After so many earlier failures. */
    Duration after(int failures) {
        Duration delay = first.multipliedBy(1L << Math.min(failures, 16));
        return delay.compareTo(LONGEST) > 0 ? LONGEST : delay;
    }
}
