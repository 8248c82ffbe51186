package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineJob;
import io.flux.engine.Transcript;
import io.flux.engine.UsageCounter;
import io.flux.job.JobRequest;
import io.flux.job.TraceContext;
import io.flux.ledger.Started;
import io.flux.model.ModelSpec;
import io.flux.trace.Tracing;
import io.flux.trace.Tracing.AttemptSpan;
import java.time.Duration;
import java.util.Locale;

/**
 * One run of an engine for one job, from its start to its end. Numbers the job's events: only the current attempt writes,
 * so the next {@code seq} is known here.
 *
 * <p>Confined to the slot's thread.
 */
public final class Attempt {
    private final Started started;
    private final JobRequest request;
    private final ModelSpec model;
    private final Transcript soFar;
    private final boolean resets;
    private final int resumes;
    private final Stopwatch watch;
    private long seq;
    private boolean abandoned;
    private final RecentFrames recent = new RecentFrames();
    private final StringBuilder text = new StringBuilder();
    private int texts;
    private UsageCounter.Usage usage;
    private AttemptSpan span;

    /**
     * @param past what earlier attempts have left
     * @param goesOn whether the engine can go on after it; else the answer begins anew
     * @param watch measures this attempt
     */
    Attempt(Started started, JobRequest request, ModelSpec model, Past past, boolean goesOn, Stopwatch watch) {
        this.started = started;
        this.request = request;
        this.model = model;
        boolean shown = !past.shown().text().isEmpty();
        this.resets = !goesOn && shown;
        this.soFar = resets ? Transcript.EMPTY : past.shown();
        this.resumes = past.resumes() + (goesOn && shown ? 1 : 0);
        this.watch = watch;
        this.seq = started.seq();
    }

    /** The job's id. */
    public String requestId() {
        return started.id();
    }

    /** 1 for the first. */
    public int number() {
        return started.attempt();
    }

    /** Earlier attempts that count as failed. */
    int failures() {
        return started.failures();
    }

    /** Whether the job's time was over before this attempt began. */
    public boolean isOverdue() {
        return started.leftMs() != null && started.leftMs() <= 0;
    }

    /** Until the job's time is over; null when it has no limit. Never negative. */
    Duration timeLeft() {
        if (started.leftMs() == null) {
            return null;
        }
        Duration left = Duration.ofMillis(started.leftMs()).minus(watch.elapsed());
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** The job's model. */
    public String model() {
        return model.name();
    }

    /** The kamelet that answers for the model. */
    public String engine() {
        return model.engine();
    }

    /** Whether what earlier attempts have shown is to be discarded. */
    boolean resets() {
        return resets;
    }

    /** Whether all of the answer is this attempt's. */
    boolean isWhole() {
        return soFar.text().isEmpty();
    }

    /** What the engine is asked. */
    public EngineJob job() {
        return new EngineJob(request, number(), soFar, timeLeft(), trace());
    }

    /** The attempt begins to be traced; nothing when it is already. */
    void traced(Tracing tracing) {
        if (span == null) {
            span = tracing.attempt(
                    new Tracing.Served(request, started.trace(), engine(), number(), queued(), soFar.events()));
        }
    }

    /** The engine has ended, which ends the span. */
    void traced(Verdict verdict, EngineEnd end) {
        if (span != null) {
            span.ended(
                    verdict.name().toLowerCase(Locale.ROOT),
                    new Tracing.Outcome(
                            end.finish() == null ? null : end.finish().wireName(),
                            end.failure() == null ? null : end.failure().code(),
                            end.promptTokens(),
                            end.completionTokens()));
        }
    }

    /** What the engine and exemplars are told of the trace; null for nothing. */
    TraceContext trace() {
        return span == null ? null : span.context();
    }

    /** From the job's creation to its first attempt. */
    Duration queued() {
        return Duration.ofMillis(started.queueMs());
    }

    /** For how long the job waited for attempts after the first. */
    Duration requeued() {
        return Duration.ofMillis(started.requeueMs());
    }

    /** The {@code seq} of the next event; the same until it is {@link #written}. */
    long nextSeq() {
        return seq + 1;
    }

    /** The next event is in the journal. */
    void written() {
        seq++;
    }

    /** A piece of the answer is in the journal. */
    void wrote(String piece) {
        text.append(piece);
        texts++;
    }

    /** The tokens of the job when this attempt ends like that. Counts once, which may take as long as a tokenizer does. */
    UsageCounter.Usage usage(UsageCounter counter, EngineEnd end) {
        if (usage == null) {
            usage = counter.of(job(), end, text.toString(), texts);
        }
        return usage;
    }

    /** What was written last, for a journal that loses it. */
    RecentFrames recent() {
        return recent;
    }

    /** Writes nothing more: an event is missing, and one after it would make a hole. */
    void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /** How often the text went on in another attempt, this one included. */
    int resumes() {
        return resumes;
    }

    /** Notes in the attempt's span that the engine has written for the first time. */
    void firstText() {
        if (span != null) {
            span.firstText();
        }
    }

    /** Measures this attempt. */
    Stopwatch watch() {
        return watch;
    }

    /** From the start of the first attempt to now. */
    Duration running() {
        return watch.elapsed().plusMillis(started.runningMs());
    }
}
