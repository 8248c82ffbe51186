package io.flux.observe;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.flux.access.Caller;
import io.flux.ledger.Keys;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.core.StringRedisTemplate;

/** How many jobs wait, run and are dead. Blocks for round trips to Redis. Thread-safe. */
public final class QueueStatus {
    private final StringRedisTemplate redis;
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

    /**
     * @param models the names of all models that there is a queue of
     */
    public QueueStatus(
            StringRedisTemplate redis, Supplier<? extends Collection<String>> models, MeterRegistry registry) {
        this.redis = redis;
        this.models = models;
        this.registry = registry;
    }

    /** Has a model's queue measured, from now on. */
    public void watch(String model) {
        if (watched.add(model)) {
            gauge(model, "flux.jobs.waiting", "Jobs in the queue", Counts::waiting);
            gauge(model, "flux.jobs.running", "Jobs that a worker holds a lease of", Counts::running);
            gauge(model, "flux.jobs.dead", "Dead-lettered jobs", Counts::dead);
        }
    }

    private void gauge(String model, String name, String description, ToLongFunction<Counts> part) {
        Gauge.builder(name, () -> {
                    try {
                        return part.applyAsLong(counts(model));
                    } catch (DataAccessException e) {
                        return Double.NaN; // Redis is away, which /health says
                    }
                })
                .description(description)
                .tag("model", model)
                .register(registry);
    }

    private Counts counts(String model) {
        return new Counts(
                model,
                redis.opsForZSet().zCard(Keys.line(model)),
                redis.opsForZSet().zCard(Keys.running(model)),
                redis.opsForList().size(Keys.dead(model)));
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
