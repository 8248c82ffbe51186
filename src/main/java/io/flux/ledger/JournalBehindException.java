package io.flux.ledger;

/**
 * The journal ends before the event that was to be written: Redis has lost what was written last, since a replica took
 * over that did not have it yet, say. Nothing was written. The writer writes again what is missing.
 */
public final class JournalBehindException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long last;

    JournalBehindException(String id, long last) {
        super("the journal of job " + id + " ends with event " + last);
        this.last = last;
    }

    /** The {@code seq} of the journal's last event. */
    public long last() {
        return last;
    }
}
