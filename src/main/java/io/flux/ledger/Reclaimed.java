package io.flux.ledger;

/**
 * What is to become of a job whose lease has run out.
 *
 * @param fate what
 * @param stop for {@link Fate#UNWANTED}: {@code cancelled} or {@code deadline}; else null
 * @param attempts for {@link Fate#EXHAUSTED}: how many there were
 */
public record Reclaimed(Fate fate, String stop, int attempts) {
    /** What is to become of it. */
    public enum Fate {
        /** It waits for its next attempt: back into the queue. */
        WAITS,
        /** Somebody else has helped it on, and its next attempt has begun: leave it alone. */
        RUNS,
        /** No attempt is left. */
        EXHAUSTED,
        /** Somebody wanted it stopped before its worker was lost: end it. */
        UNWANTED,
        /** It has ended as a dead letter, and is still to be put on their list. */
        DEAD,
        /** It has ended, or is gone: off the lists. */
        OVER
    }
}
