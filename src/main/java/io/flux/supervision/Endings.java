package io.flux.supervision;

import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.JobIds;
import io.flux.job.Refusal;
import io.flux.ledger.Ended;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Ledger;
import io.flux.observe.EndedJobs;

/** Ends jobs from outside the worker that serves them. Thread-safe; blocks for one round trip. */
public final class Endings {
    private static final String UNNUMBERED = "\"seq\":0";

    private final Ledger ledger;
    private final EventJson json;
    private final EndedJobs jobs;

    public Endings(Ledger ledger, EventJson json, EndedJobs jobs) {
        this.ledger = ledger;
        this.json = json;
        this.jobs = jobs;
    }

    /**
     * Ends a waiting job, or marks a running one.
     *
     * @param reason {@code cancelled} or {@code deadline}
     * @param model on whose lists the id was found, for a job that is not there any more; null when it was on none
     */
    public Ended end(String id, String reason, String model) {
        Ended ended = end(id, reason);
        if (ended.outcome() == Ended.Outcome.ENDED) {
            jobs.count(ended.model(), reason);
        }
        return ended.model() == null ? new Ended(ended.outcome(), model, null) : ended;
    }

    private Ended end(String id, String reason) {
        Event.Complete whole = new Event.Complete(id, 0, reason, null, null, null, null, null);
        Event.Complete untouched = new Event.Complete(id, 0, reason, 0, null, null, null, null);
        return ledger.end(id, around(whole, untouched), reason);
    }

    /** Takes an event apart where its {@code seq} stands, which the ledger knows only when it writes it. */
    LastEvent around(Event event, Event untouched) {
        String frame = json.write(event);
        int seq = frame.indexOf(UNNUMBERED) + UNNUMBERED.length() - 1;
        return new LastEvent(
                frame.substring(0, seq), json.write(untouched).substring(seq + 1), frame.substring(seq + 1));
    }

    /**
     * Tells a client that its cancel came too late, or was for a job that is not there.
     *
     * @throws Refusal {@code not_found} or {@code already_finished}
     */
    public void requireEffect(Ended ended, String id) {
        switch (ended.outcome()) {
            case UNKNOWN ->
                throw new Refusal(Event.Error.answer(
                        id,
                        "not_found",
                        "there is no job " + JobIds.requestId(id) + "; it may have expired",
                        "request_id"));
            case DONE, DEAD ->
                throw new Refusal(Event.Error.answer(
                        id,
                        "already_finished",
                        "job " + JobIds.requestId(id) + " had ended before it was cancelled",
                        "request_id"));
            default -> {
                // ended, or about to
            }
        }
    }
}
