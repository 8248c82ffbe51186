package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.observe.EndedJobs;
import io.flux.trace.Exemplars;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * What a worker measures of its jobs. Meters are looked up once for each model, not once for each token. A tenant is no
 * label: nothing bounds their number. Thread-safe.
 */
public final class WorkerMeters {
    /** Fewer than a percentile histogram has, and the same for each model: each is a time series. */
    private static final Duration[] BUCKETS = Stream.of(
                    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
                    600_000)
            .map(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final Exemplars exemplars;
    private final EndedJobs jobs;
    private final Map<String, ModelMeters> models = new ConcurrentHashMap<>();

    private record ModelMeters(
            Timer queueWait,
            Timer firstText,
            Timer firstTextSinceAccepted,
            Timer nextText,
            Timer duration,
            Counter tokens,
            Counter promptTokens,
            Counter fenced) {}

    /** @param exemplars gives what is measured of a whole job its trace */
    public WorkerMeters(MeterRegistry registry, Exemplars exemplars) {
        this.registry = registry;
        this.exemplars = exemplars;
        this.jobs = new EndedJobs(registry);
    }

    /** Jobs of this model may come: what is counted begins with 0. */
    public void expect(String model) {
        of(model);
        jobs.expect(model);
    }

    private ModelMeters of(String model) {
        ModelMeters known = models.get(model);
        return known != null ? known : models.computeIfAbsent(model, this::register);
    }

    private ModelMeters register(String model) {
        return new ModelMeters(
                timer("flux.queue.wait", "From acceptance to the first attempt", model),
                timer("flux.time.to.first.token", "From the start of an attempt to its first text", model),
                timer("flux.answer.wait", "From acceptance to the first text of the first attempt", model),
                timer("flux.inter.token.latency", "Between two texts of an engine", model),
                timer("flux.job.duration", "From acceptance to the end of a job that a worker has ended", model),
                counter("flux.tokens", "Tokens that engines have generated, where they tell", model),
                counter("flux.prompt.tokens", "Tokens of prompts, where engines tell", model),
                counter(
                        "flux.writers.fenced",
                        "Attempts that had to stop because the job is another attempt's",
                        model));
    }

    private Counter counter(String name, String description, String model) {
        return Counter.builder(name)
                .description(description)
                .tag("model", model)
                .register(registry);
    }

    private Timer timer(String name, String description, String model) {
        return Timer.builder(name)
                .description(description)
                .tag("model", model)
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    void begun(Attempt attempt) {
        exemplars.record(of(attempt.model()).queueWait(), attempt.queued(), attempt.trace());
    }

    void firstText(Attempt attempt) {
        ModelMeters meters = of(attempt.model());
        exemplars.record(meters.firstText(), attempt.watch().timeToFirstText(), attempt.trace());
        if (attempt.number() == 1) {
            exemplars.record(
                    meters.firstTextSinceAccepted(),
                    attempt.queued().plus(attempt.watch().timeToFirstText()),
                    attempt.trace());
        }
    }

    void nextText(String model, Duration gap) {
        of(model).nextText().record(gap);
    }

    void tokens(String model, EngineEnd end) {
        if (end.completionTokens() != null) {
            of(model).tokens().increment(end.completionTokens());
        }
        if (end.promptTokens() != null) {
            of(model).promptTokens().increment(end.promptTokens());
        }
    }

    /** An engine has ended, and this follows from it. */
    void judged(Attempt attempt, Verdict verdict, EngineEnd end) {
        Counter.builder("flux.attempts")
                .description("Attempts that have ended, by what follows and by the code of the failure")
                .tag("model", attempt.model())
                .tag("verdict", verdict.name().toLowerCase(Locale.ROOT))
                .tag("code", end.failure() == null ? "none" : end.failure().code())
                .register(registry)
                .increment();
    }

    /** The ledger refuses what an attempt writes. */
    public void fenced(String model) {
        of(model).fenced().increment();
    }

    void ended(Attempt attempt, String outcome) {
        exemplars.record(of(attempt.model()).duration(), attempt.queued().plus(attempt.running()), attempt.trace());
        jobs.count(attempt.model(), outcome);
    }
}
