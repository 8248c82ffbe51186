package io.flux.ledger;

/**
 * A job's place in its queue.
 *
 * @param position 1 = served next. A job that has no place: minus the number of waiting jobs when the queue is full, 0
 *     when its tenant has as many jobs as it may
 * @param paceMs ms between two ends of jobs while the queue is not empty; 0 when that is not known
 */
public record Place(long position, long paceMs) {
    /** Whether the job has no place. */
    public boolean isRefused() {
        return position <= 0;
    }

    /** Whether the job has no place since its tenant has as many jobs as it may. */
    public boolean isTenantsLimit() {
        return position == 0;
    }

    /** How long it may take until the job is served, in ms; null when the pace is not known. */
    public Long etaMs() {
        return etaMs(position, paceMs);
    }

    /** How long it may take until the next place is free, in ms; null when the pace is not known. */
    public Long retryAfterMs() {
        return etaMs(1, paceMs);
    }

    /** How long it may take from a position on; null when the pace is not known, for a guess is worse than nothing. */
    public static Long etaMs(long position, long paceMs) {
        return paceMs > 0 ? position * paceMs : null;
    }
}
