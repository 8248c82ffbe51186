package io.flux.access;

import java.util.Set;

/**
 * Who asks, as a door found out. Every step that depends on it takes it from the exchange variable {@code caller}.
 *
 * @param tenant whose jobs these are; empty where there are no keys
 * @param models the models that may be asked; empty for all
 * @param jobs the most jobs of the tenant that may wait or run for one model; 0 for any number
 * @param rate how fast jobs may come; null for as fast as they like
 * @param operator whether the jobs of all, dead letters and metrics may be seen
 * @param key which of the tenant's keys it came with: the first digits of its hash, no secret; empty where there are none
 */
public record Caller(String tenant, Set<String> models, int jobs, Rate rate, boolean operator, String key) {
    /** Where there are no keys: everybody, and everything is allowed. */
    public static final Caller ANYBODY = new Caller("", Set.of(), 0, null, true);

    /**
     * A token bucket.
     *
     * @param perSecond jobs for each second, in the long run; more than 0
     * @param burst jobs at once, after a pause that was long enough; at least 1
     */
    public record Rate(double perSecond, int burst) {}

    public Caller {
        models = Set.copyOf(models);
    }

    /** A caller of whom it does not matter which key it came with. */
    public Caller(String tenant, Set<String> models, int jobs, Rate rate, boolean operator) {
        this(tenant, models, jobs, rate, operator, "");
    }

    /** Whether this model may be asked, by its own name. */
    public boolean mayAsk(String model) {
        return models.isEmpty() || models.contains(model);
    }
}
