package io.flux.gateway;

import io.flux.job.JobRequest;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/**
 * Counts what comes in, by the route that it came in by. There are as many of these as there are doors, connectors and
 * routes of a team's own; a tenant is no label, since nothing bounds their number. Thread-safe.
 */
public final class DoorMeters {
    /** The kamelet, whose routes have generated names. */
    private static final String IN_PROCESS = "flux-generate";

    private final MeterRegistry registry;
    private final ErrorReply errors;

    public DoorMeters(MeterRegistry registry, ErrorReply errors) {
        this.registry = registry;
        this.errors = errors;
    }

    /** A new job is in the queue. */
    public void accepted(JobRequest request, String route) {
        Counter.builder("flux.jobs.accepted")
                .description("Jobs that were put into the queue, by the route that they came in by")
                .tag("model", request.model())
                .tag("route", route.startsWith(IN_PROCESS + "-") ? IN_PROCESS : route)
                .register(registry)
                .increment();
    }

    /** A request, or a message, was answered with an error. */
    public void refused(Throwable failure, String route) {
        Counter.builder("flux.refusals")
                .description("Requests and messages that were answered with an error, by its code")
                .tag("code", errors.code(failure))
                .tag("route", route)
                .register(registry)
                .increment();
    }

    /** A message of a connector has no answer, and is put aside. */
    public void putAside(Throwable failure, String route) {
        Counter.builder("flux.feed.failures")
                .description("Messages of connectors that were put aside for good, by the error's code")
                .tag("code", errors.code(failure))
                .tag("route", route)
                .register(registry)
                .increment();
    }
}
