package io.flux.ledger;

import java.util.List;

/**
 * A job's journal from some point on.
 *
 * @param known whether the job exists; the rest is empty when not
 * @param state {@code created}, {@code queued}, {@code running} or {@code done}
 * @param model the job's model
 * @param entries events in order of {@code seq}
 */
public record Backlog(boolean known, String state, String model, List<JournalEntry> entries) {
    static final Backlog UNKNOWN = new Backlog(false, "", "", List.of());

    /** Whether the job has ended, and there is nothing after that point. */
    public boolean isExhausted() {
        return known && state.equals("done") && entries.isEmpty();
    }
}
