package io.flux.worker;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What a worker measures. Meters are looked up once for each model, not once for each token. Thread-safe. */
public final class WorkerMeters {
    private static final Duration SHORTEST = Duration.ofMillis(1);

    private final MeterRegistry registry;
    private final Map<String, ModelMeters> models = new ConcurrentHashMap<>();

    private record ModelMeters(Timer queueWait, Timer firstText, Timer nextText) {}

    public WorkerMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    private ModelMeters of(String model) {
        return models.computeIfAbsent(
                model,
                name -> new ModelMeters(
                        timer("flux.queue.wait", "From acceptance to the first attempt", name),
                        timer("flux.time.to.first.token", "From the start of an attempt to its first text", name),
                        timer("flux.inter.token.latency", "Between two texts of an engine", name)));
    }

    private Timer timer(String name, String description, String model) {
        return Timer.builder(name)
                .description(description)
                .tag("model", model)
                .publishPercentileHistogram()
                .minimumExpectedValue(SHORTEST)
                .maximumExpectedValue(Duration.ofMinutes(10))
                .register(registry);
    }

    void queued(String model, Duration wait) {
        of(model).queueWait().record(wait);
    }

    void firstText(String model, Duration wait) {
        of(model).firstText().record(wait);
    }

    void nextText(String model, Duration gap) {
        of(model).nextText().record(gap);
    }

    void tokens(String model, Integer tokens) {
        if (tokens != null) {
            registry.counter("flux.tokens", "model", model).increment(tokens);
        }
    }

    void ended(String model, String outcome) {
        registry.counter("flux.jobs", "model", model, "outcome", outcome).increment();
    }
}
