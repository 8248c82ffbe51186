package io.flux.worker;

import io.flux.engine.ModelEngine;
import io.flux.model.ModelSpec;
import io.flux.observe.Health;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.TemplatedRouteBuilder;
import org.apache.camel.support.ScheduledPollConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This worker's slots: one pop loop each, made from the route template {@code worker-slot}. A model's slots pop only while
 * its engine can be asked, so that a worker that cannot serve takes no job:
 *
 * <pre>
 *   CLOSED ──open, gate open──▶ OPEN ──gate closes──▶ SUSPENDED ──gate opens──▶ OPEN
 *      ▲                                                                          │
 *      └──────────────────────────── close (a route file was edited) ─────────────┘
 * </pre>
 *
 * A model is ready when its slots are open and the other processes can know that: see {@link #announced}.
 *
 * <p>Thread-safe.
 */
public final class Slots implements Health.Readiness {
    private static final Logger LOG = LoggerFactory.getLogger(Slots.class);
    /** The route template of a slot. */
    public static final String TEMPLATE = "worker-slot";

    private final CamelContext camel;
    private final List<Group> groups = new ArrayList<>();
    private final Runnable onChange;
    private boolean opened;
    private volatile boolean draining;

    /** A model with the engine that answers for it. */
    public record Served(ModelSpec model, ModelEngine engine) {}

    /** The slots of a model. Guarded by the outer object. */
    private static final class Group {
        private final Served served;
        private final int first;
        private boolean started;
        private boolean open;
        /** Whether the other processes can know that it is open. */
        private boolean announced;
        /** Why the engine can never be asked; null when it can, or before it was started. */
        private volatile String fault;

        Group(Served served, int first) {
            this.served = served;
            this.first = first;
        }

        Stream<String> routes() {
            return IntStream.range(first, first + served.model().slots()).mapToObj(slot -> TEMPLATE + "-" + slot);
        }

        String problem() {
            return fault != null ? fault : served.engine().gate().problem();
        }

        /** Why a request for the model may not be served at once; null when there is nothing. */
        String unready() {
            String problem = problem();
            return problem == null && !announced ? "the model is not announced yet" : problem;
        }
    }

    /**
     * @param models the models and their engines, which are started here and are the caller's to close
     * @param onChange told when a model's slots have opened or closed, which is to be announced
     */
    public Slots(CamelContext camel, List<Served> models, Runnable onChange) {
        this.camel = camel;
        this.onChange = onChange;
        int slot = 1;
        for (Served model : models) {
            groups.add(new Group(model, slot));
            slot += model.model().slots();
        }
    }

    /** Starts the engines and opens the slots of those that can be asked; the others' open when they can. */
    public synchronized void open() {
        opened = true;
        for (Group group : groups) {
            if (!group.started) {
                start(group);
            }
            follow(group);
        }
    }

    private void start(Group group) {
        group.started = true;
        try {
            group.served.engine().gate().onChange(() -> follow(group));
            group.served.engine().start();
        } catch (IllegalStateException e) {
            group.fault = e.getMessage();
            LOG.error(
                    "Flux worker is not ready for model {}: {}",
                    group.served.model().name(),
                    group.fault);
        }
    }

    /** Does for a model's slots what its gate says. */
    private synchronized void follow(Group group) {
        boolean wanted = opened && !draining && group.problem() == null;
        if (wanted == group.open) {
            return;
        }
        group.open = wanted;
        group.announced = false;
        ModelSpec model = group.served.model();
        if (wanted) {
            group.routes().forEach(route -> resume(route, model));
        } else {
            consumers(group).forEach(ScheduledPollConsumer::suspend);
            if (!draining) {
                LOG.warn("Flux worker takes no job for model {}: {}", model.name(), group.problem());
            }
        }
        onChange.run();
    }

    /**
     * The other processes can know from here on which models have open slots here.
     *
     * @param models those that were announced with open slots
     */
    public synchronized void announced(Set<String> models) {
        for (Group group : groups) {
            ModelSpec model = group.served.model();
            if (group.open && !group.announced && models.contains(model.name())) {
                group.announced = true;
                LOG.info(
                        "Flux worker ready: model {}, engine {}, slots {}",
                        model.name(),
                        model.engine(),
                        model.slots());
            }
        }
    }

    private void resume(String route, ModelSpec model) {
        if (camel.getRoute(route) == null) {
            TemplatedRouteBuilder.builder(camel, TEMPLATE)
                    .routeId(route)
                    .parameter("slot", route.substring(TEMPLATE.length() + 1))
                    .parameter("model", model.name())
                    .add();
        } else {
            ((ScheduledPollConsumer) camel.getRoute(route).getConsumer()).resume();
        }
    }

    /** Closes the slots; each finishes its job first, and no other job is taken until they are opened again. */
    public void close() throws Exception {
        List<String> routes;
        synchronized (this) {
            opened = false;
            groups.forEach(group -> {
                group.open = false;
                group.announced = false;
            });
            routes = groups.stream().flatMap(Group::routes).toList();
        }
        for (String route : routes) {
            if (camel.getRoute(route) != null) {
                camel.getRouteController().stopRoute(route);
                camel.removeRoute(route);
            }
        }
    }

    /** Pops nothing more. Does not wait for a pop that is under way, nor for jobs that are served. */
    public synchronized void suspend() {
        draining = true;
        groups.forEach(this::follow);
    }

    /** Whether no pop is under way and no job is served. */
    public boolean isIdle() {
        return groups.stream().flatMap(this::consumers).noneMatch(ScheduledPollConsumer::isPolling);
    }

    /** Whether a model's slots take jobs now. A pop that was under way when they closed may still bring one. */
    public boolean isOpen(String model) {
        return openSlots(model) > 0;
    }

    /** How many slots of a model take jobs now. */
    public synchronized int openSlots(String model) {
        return groups.stream()
                .filter(group -> group.open && group.served.model().name().equals(model))
                .mapToInt(group -> group.served.model().slots())
                .sum();
    }

    /** Whether a model's engine can be asked. */
    public synchronized boolean isEngineUp(String model) {
        return groups.stream()
                .anyMatch(group -> group.started
                        && group.problem() == null
                        && group.served.model().name().equals(model));
    }

    /** Whether this worker takes no job any more, because it was told to stop. */
    public boolean isDraining() {
        return draining;
    }

    private Stream<ScheduledPollConsumer> consumers(Group group) {
        return group.routes().map(camel::getRoute).filter(Objects::nonNull).map(route ->
                (ScheduledPollConsumer) route.getConsumer());
    }

    @Override
    public String name() {
        return "worker";
    }

    @Override
    public synchronized String problem() {
        if (draining) {
            return "draining";
        }
        if (!opened) {
            return "the slots are not open yet";
        }
        String problems = groups.stream()
                .filter(group -> group.unready() != null)
                .map(group -> groups.size() == 1
                        ? group.unready()
                        : "model " + group.served.model().name() + ": " + group.unready())
                .collect(Collectors.joining("; "));
        return problems.isEmpty() ? null : problems;
    }
}
