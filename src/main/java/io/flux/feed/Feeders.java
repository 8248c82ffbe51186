package io.flux.feed;

import io.flux.access.Caller;
import io.flux.job.TraceContext;
import java.util.Set;

/** On whose behalf routes in Flux's own process ask: they come with no key, but with a tenant that is configured. */
public final class Feeders {
    /** The trace that a message's headers name; null for none. */
    public TraceContext trace(String traceparent, String tracestate) {
        return TraceContext.of(traceparent, tracestate);
    }

    /**
     * The caller of a tenant.
     *
     * @param tenant empty for nobody
     */
    public Caller of(String tenant) {
        return tenant.isBlank() ? Caller.ANYBODY : new Caller(tenant, Set.of(), 0, null, false);
    }
}
