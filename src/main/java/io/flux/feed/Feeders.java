package io.flux.feed;

import io.flux.access.Caller;
import java.util.Set;

/** On whose behalf routes in Flux's own process ask: they come with no key, but with a tenant that is configured. */
public final class Feeders {
    /**
     * The caller of a tenant.
     *
     * @param tenant empty for nobody
     */
    public Caller of(String tenant) {
        return tenant.isBlank() ? Caller.ANYBODY : new Caller(tenant, Set.of(), 0, null, false);
    }
}
