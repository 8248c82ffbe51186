package io.flux.observe;

import io.micrometer.core.instrument.Clock;
import java.util.concurrent.TimeUnit;

/**
 * Micrometer's clock. Micrometer forgets old maxima by the difference of two times of day, so that a clock that is set back would
 * keep them for the length of the step: this one begins at the process's time of day and goes on by the monotonic clock.
 * Thread-safe.
 */
public final class MeterClock implements Clock {
    private final long startMs = System.currentTimeMillis();
    private final long startNanos = System.nanoTime();

    @Override
    public long wallTime() {
        return startMs + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
    }

    @Override
    public long monotonicTime() {
        return System.nanoTime();
    }
}
