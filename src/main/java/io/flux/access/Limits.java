package io.flux.access;

import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.ledger.Ledger;

/** How fast a tenant's jobs may come, whichever of its keys and of the gateways they come through. Thread-safe. */
public final class Limits {
    private final Ledger ledger;

    public Limits(Ledger ledger) {
        this.ledger = ledger;
    }

    /**
     * Counts a job; blocks for a round trip to Redis where the caller has a rate.
     *
     * @throws Refusal {@code rate_limited} when it comes too early; says when it would not
     */
    public void spend(Caller caller, String requestId) {
        if (caller.rate() == null) {
            return;
        }
        long wait = ledger.spend(
                caller.tenant(), caller.rate().perSecond(), caller.rate().burst());
        if (wait > 0) {
            throw new Refusal(new Event.Error(
                    requestId,
                    null,
                    "rate_limited",
                    "your key allows " + shown(caller.rate().perSecond()) + " jobs a second and "
                            + caller.rate().burst() + " at once",
                    null,
                    wait));
        }
    }

    private static String shown(double number) {
        return number % 1 == 0 ? Long.toString((long) number) : Double.toString(number);
    }
}
