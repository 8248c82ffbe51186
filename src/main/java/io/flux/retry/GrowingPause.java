package io.flux.retry;

import java.time.Duration;

/**
 * A pause that is twice as long after each failure, up to a bound.
 *
 * @param first before the second try; zero for never to wait
 * @param longest before any
 */
public record GrowingPause(Duration first, Duration longest) {
    /** Of any pause that somebody would wait for, the bound is reached long before. */
    private static final int DOUBLINGS = 20;

    /**
     * The pause.
     *
     * @param earlier how many failures there were before this one, at least 0
     */
    public Duration after(int earlier) {
        Duration pause = first.multipliedBy(1L << Math.min(earlier, DOUBLINGS));
        return pause.compareTo(longest) > 0 ? longest : pause;
    }
}
