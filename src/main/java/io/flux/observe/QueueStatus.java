package io.flux.observe;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.flux.access.Caller;
import io.flux.ledger.Ledger;
import io.flux.ledger.Survey;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.springframework.dao.DataAccessException;

/** How many jobs wait, run and are dead. Blocks for round trips to Redis. Thread-safe. */
public final class QueueStatus {
    /** One scrape asks Redis once for each model, whatever the number of its gauges. */
    private static final long FRESH_NANOS = 500_000_000;

    private final Ledger ledger;
    private final MeterRegistry registry;
    private final Supplier<? extends Collection<String>> models;
    private final Set<String> watched = ConcurrentHashMap.newKeySet();

    /**
     * Jobs of one model, by where they are.
     *
     * @param dead null where the caller may not know
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Counts(String model, long waiting, long running, Long dead) {}

    /** The seed system's shape: the sums, besides what each model has. */
    public record Report(@JsonProperty("queue_length") long queueLength, long running, List<Counts> models) {}

    /** What a model's gauges show; the last look at its queue is kept for a moment. */
    private final class Watched {
        private final String model;
        private Survey last;
        private long lookedNanos;

        Watched(String model) {
            this.model = model;
        }

        synchronized double look(ToDoubleFunction<Survey> part) {
            long now = System.nanoTime();
            if (last == null || now - lookedNanos > FRESH_NANOS) {
                try {
                    last = ledger.survey(model);
                } catch (DataAccessException e) {
                    last = null; // Redis is away, which /health and flux_redis_up say
                    return Double.NaN;
                }
                lookedNanos = now;
            }
            return part.applyAsDouble(last);
        }
    }

    /**
     * @param models the names of all models that there is a queue of
     */
    public QueueStatus(Ledger ledger, Supplier<? extends Collection<String>> models, MeterRegistry registry) {
        this.ledger = ledger;
        this.models = models;
        this.registry = registry;
    }

    /** Has a model's queue measured, from now on. */
    public void watch(String model) {
        if (watched.add(model)) {
            Watched queue = new Watched(model);
            gauge(queue, "flux.jobs.waiting", "Jobs in the queue", Survey::waiting);
            gauge(
                    queue,
                    "flux.jobs.running",
                    "Jobs that a worker holds a lease of, and those that pause before their next attempt",
                    Survey::running);
            gauge(queue, "flux.jobs.dead", "Dead-lettered jobs", Survey::dead);
            gauge(queue, "flux.tenants.waiting", "Tenants whose jobs are in the queue", Survey::tenants);
            Gauge.builder("flux.queue.oldest", queue, watched -> watched.look(found -> found.oldestMs() / 1000.0))
                    .description("Age of the oldest job in the queue, 0 when none waits")
                    .baseUnit("seconds")
                    .tag("model", model)
                    .strongReference(true)
                    .register(registry);
        }
    }

    private void gauge(Watched queue, String name, String description, ToDoubleFunction<Survey> part) {
        Gauge.builder(name, queue, watched -> watched.look(part))
                .description(description)
                .tag("model", queue.model)
                .strongReference(true)
                .register(registry);
    }

    private Counts counts(String model) {
        Survey found = ledger.survey(model);
        return new Counts(model, found.waiting(), found.running(), found.dead());
    }

    /** The state of the queues of those models that the caller may ask. */
    public Report report(Caller caller) {
        List<Counts> counts = models.get().stream()
                .filter(caller::mayAsk)
                .map(this::counts)
                .map(all -> caller.operator() ? all : new Counts(all.model(), all.waiting(), all.running(), null))
                .toList();
        return new Report(
                counts.stream().mapToLong(Counts::waiting).sum(),
                counts.stream().mapToLong(Counts::running).sum(),
                counts);
    }
}
