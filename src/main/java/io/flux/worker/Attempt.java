package io.flux.worker;

import io.flux.engine.EngineJob;
import io.flux.engine.Transcript;
import io.flux.job.JobRequest;
import io.flux.ledger.Started;
import io.flux.model.ModelSpec;
import java.time.Duration;

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
    private final long startNanos;
    private long seq;
    private boolean abandoned;
    private int texts;
    private long lastTextNanos;
    private Duration timeToFirstText;

    /**
     * @param soFar what earlier attempts have shown
     * @param goesOn whether the engine can go on after it; else the answer begins anew
     */
    Attempt(Started started, JobRequest request, ModelSpec model, Transcript soFar, boolean goesOn) {
        this.started = started;
        this.request = request;
        this.model = model;
        this.resets = !goesOn && !soFar.text().isEmpty();
        this.soFar = resets ? Transcript.EMPTY : soFar;
        this.seq = started.seq();
        this.startNanos = System.nanoTime();
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
        Duration left = Duration.ofMillis(started.leftMs()).minus(sinceStart());
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
        return new EngineJob(request, number(), soFar, timeLeft());
    }

    /** From the job's creation to its first attempt. */
    Duration queued() {
        return Duration.ofMillis(started.queueMs());
    }

    /** The {@code seq} of the next event; the same until it is {@link #written}. */
    long nextSeq() {
        return seq + 1;
    }

    /** The next event is in the journal. */
    void written() {
        seq++;
    }

    /** Writes nothing more: an event is missing, and one after it would make a hole. */
    void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /**
     * Notes that the engine has written.
     *
     * @return the time since the text before; null for the first
     */
    Duration wrote() {
        long now = System.nanoTime();
        Duration gap = texts == 0 ? null : Duration.ofNanos(now - lastTextNanos);
        if (texts++ == 0) {
            timeToFirstText = Duration.ofNanos(now - startNanos);
        }
        lastTextNanos = now;
        return gap;
    }

    /** From the start of this attempt to its first text; null before. */
    Duration timeToFirstText() {
        return timeToFirstText;
    }

    /** From the first text to the last so far. */
    Duration writing() {
        return Duration.ofNanos(lastTextNanos - startNanos).minus(timeToFirstText);
    }

    /** From the start of the first attempt to now. */
    Duration running() {
        return sinceStart().plusMillis(started.runningMs());
    }

    private Duration sinceStart() {
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }
}
