package io.flux.job;

/**
 * A message that Flux answers with an error event instead of doing what it says. The connection and the route live on.
 */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Event.Error event;

    /** @param event which does not repeat a request_id that no job can have */
    public Refusal(Event.Error event) {
        // No stack trace: a refusal is an answer, and floods of bad input must stay cheap.
        super(event.error(), null, false, false);
        boolean known = event.requestId() == null || JobIds.isRequestId(JobIds.requestId(event.requestId()));
        this.event = known ? event : (Event.Error) event.as(null);
    }

    /** The input breaks a rule. */
    static Refusal invalid(String requestId, String field, String rule) {
        return new Refusal(Event.Error.answer(requestId, "invalid_request", rule, field));
    }

    /** What the client is told. */
    public Event.Error event() {
        return event;
    }
}
