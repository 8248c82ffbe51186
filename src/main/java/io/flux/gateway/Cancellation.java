package io.flux.gateway;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.ledger.Cancelled;
import io.flux.ledger.Ledger;

/** Cancels a job, wherever it is. Thread-safe; blocks for one round trip. */
public final class Cancellation {
    private final Ledger ledger;

    public Cancellation(Ledger ledger) {
        this.ledger = ledger;
    }

    /**
     * Ends a waiting job, or marks a running one.
     *
     * @throws Refusal {@code not_found} or {@code already_finished}
     */
    public Cancelled cancel(String id) {
        String quoted = new String(JsonStringEncoder.getInstance().quoteAsString(id));
        Cancelled cancelled = ledger.cancel(
                id,
                "{\"type\":\"complete\",\"request_id\":\"" + quoted + "\",\"seq\":",
                ",\"finish_reason\":\"cancelled\",\"token_count\":0}");
        switch (cancelled.outcome()) {
            case UNKNOWN ->
                throw new Refusal(Event.Error.answer(
                        id, "not_found", "there is no job " + id + "; it may have expired", "request_id"));
            case DONE ->
                throw new Refusal(Event.Error.answer(
                        id, "already_finished", "job " + id + " had ended before it was cancelled", "request_id"));
            default -> {
                return cancelled;
            }
        }
    }
}
