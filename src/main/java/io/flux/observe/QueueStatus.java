package io.flux.observe;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.flux.ledger.Keys;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.function.ToLongFunction;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.core.StringRedisTemplate;

/** How many jobs wait, run and are dead. Blocks for round trips to Redis. Thread-safe. */
public final class QueueStatus {
    private final StringRedisTemplate redis;
    private final String model;

    /** Jobs of one model, by where they are. */
    public record Counts(String model, long waiting, long running, long dead) {}

    /** The seed system's shape: the sums, besides what each model has. */
    public record Report(@JsonProperty("queue_length") long queueLength, long running, List<Counts> models) {}

    public QueueStatus(StringRedisTemplate redis, String model, MeterRegistry registry) {
        this.redis = redis;
        this.model = model;
        gauge(registry, "flux.jobs.waiting", "Jobs in the queue", Counts::waiting);
        gauge(registry, "flux.jobs.running", "Jobs that a worker holds a lease of", Counts::running);
        gauge(registry, "flux.jobs.dead", "Dead-lettered jobs", Counts::dead);
    }

    private void gauge(MeterRegistry registry, String name, String description, ToLongFunction<Counts> part) {
        Gauge.builder(name, () -> {
                    try {
                        return part.applyAsLong(counts());
                    } catch (DataAccessException e) {
                        return Double.NaN; // Redis is away, which /health says
                    }
                })
                .description(description)
                .tag("model", model)
                .register(registry);
    }

    private Counts counts() {
        return new Counts(
                model,
                redis.opsForList().size(Keys.waiting(model)),
                redis.opsForZSet().zCard(Keys.running(model)),
                redis.opsForList().size(Keys.dead(model)));
    }

    /** The state of every queue. */
    public Report report() {
        Counts counts = counts();
        return new Report(counts.waiting(), counts.running(), List.of(counts));
    }
}
