package io.flux.observe;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;

/**
 * Counts jobs that have ended, in the process that ended them: the worker, or whoever ended one that waited. Thread-safe.
 */
public final class EndedJobs {
    /** What there is of each model from the start, so that the first of them is an increase. */
    private static final List<String> USUAL = List.of("stop", "length", "cancelled", "deadline", "engine_failed");

    private final MeterRegistry registry;

    public EndedJobs(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Jobs of this model may end here. */
    public void expect(String model) {
        USUAL.forEach(outcome -> counter(model, outcome));
    }

    /**
     * A job has ended.
     *
     * @param outcome the finish reason, or the code of the error
     */
    public void count(String model, String outcome) {
        counter(model, outcome).increment();
    }

    private Counter counter(String model, String outcome) {
        return Counter.builder("flux.jobs")
                .description("Jobs that have ended, by finish reason or by the code of their error")
                .tag("model", model)
                .tag("outcome", outcome)
                .register(registry);
    }
}
