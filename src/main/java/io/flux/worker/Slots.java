package io.flux.worker;

import io.flux.observe.Health;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.TemplatedRouteBuilder;
import org.apache.camel.support.ScheduledPollConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens this worker's slots: one pop loop each, made from the route template {@code worker-slot}. They open only when the
 * engine is found, so that a worker that cannot serve takes no job.
 */
public final class Slots implements Health.Readiness {
    private static final Logger LOG = LoggerFactory.getLogger(Slots.class);
    /** The route template of a slot. */
    public static final String TEMPLATE = "worker-slot";

    private final CamelContext camel;
    private final int count;
    private final Runnable engine;
    private volatile String problem = "the slots are not open yet";

    /**
     * @param engine finds the engine; throws {@link IllegalStateException} saying what was looked for and where
     */
    public Slots(CamelContext camel, int count, Runnable engine) {
        this.camel = camel;
        this.count = count;
        this.engine = engine;
    }

    /** Looks for the engine and opens the slots; true when the worker is ready. */
    public boolean open() {
        try {
            engine.run();
        } catch (IllegalStateException e) {
            problem = e.getMessage();
            LOG.error("Flux worker is not ready: {}", problem);
            return false;
        }
        for (int slot = 1; slot <= count; slot++) {
            TemplatedRouteBuilder.builder(camel, TEMPLATE)
                    .routeId(TEMPLATE + "-" + slot)
                    .parameter("slot", Integer.toString(slot))
                    .add();
        }
        problem = null;
        return true;
    }

    /** Closes the slots; each finishes its job first, and no other job is taken until they are opened again. */
    public void close() throws Exception {
        for (int slot = 1; slot <= count; slot++) {
            String route = TEMPLATE + "-" + slot;
            if (camel.getRoute(route) != null) {
                camel.getRouteController().stopRoute(route);
                camel.removeRoute(route);
            }
        }
    }

    /** Pops nothing more. Does not wait for a pop that is under way, nor for jobs that are served. */
    public void suspend() {
        problem = "draining";
        consumers().forEach(ScheduledPollConsumer::suspend);
    }

    /** Whether no pop is under way and no job is served. */
    public boolean isIdle() {
        return consumers().noneMatch(ScheduledPollConsumer::isPolling);
    }

    private Stream<ScheduledPollConsumer> consumers() {
        return IntStream.rangeClosed(1, count)
                .mapToObj(slot -> camel.getRoute(TEMPLATE + "-" + slot))
                .filter(Objects::nonNull)
                .map(route -> (ScheduledPollConsumer) route.getConsumer());
    }

    @Override
    public String name() {
        return "worker";
    }

    @Override
    public String problem() {
        return problem;
    }
}
