package io.flux.bench;

import java.time.Duration;

/**
 * CPU time that the parts of a {@link Rig} have used up to a moment.
 *
 * @param nanos the moment, by {@link System#nanoTime}
 */
record Usage(long nanos, Duration gateway, Duration workers, Duration redis) {
    /** What was used since an earlier moment. */
    Usage since(Usage before) {
        return new Usage(
                nanos - before.nanos,
                gateway.minus(before.gateway),
                workers.minus(before.workers),
                redis.minus(before.redis));
    }

    /** What a part used, in ms for each second. */
    double perSecond(Duration part) {
        return part.toNanos() / 1e6 / (nanos / 1e9);
    }

    Duration total() {
        return gateway.plus(workers).plus(redis);
    }
}
