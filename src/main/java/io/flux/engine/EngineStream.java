package io.flux.engine;

import io.flux.log.JobLog;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running engine as what a streaming split iterates over: texts as the engine writes them, then one
 * {@link EngineEnd}. Trouble with the engine is an end, never an exception. Whether the engine is a process or a server
 * is its {@link EngineRun}'s matter.
 *
 * <p>One thread iterates. {@link #stop} and {@link #close} are for any thread: they kill the run, which wakes the
 * iterating thread. The first verdict wins:
 *
 * <pre>
 *             end of output, stop text
 *   RUNNING ──────────────────────────▶ ended by itself ──▶ End (stop, length, or a failure)
 *      └──────── stop(reason) ────────▶ stopped ──────────▶ End (cancelled, deadline, or a failure that says why)
 * </pre>
 */
public final class EngineStream implements Iterator<EngineOutput>, Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineStream.class);

    /** Between kill and end of output; after it, whoever else keeps the reader waiting is killed. */
    private static final long LEFTOVER_NANOS = Duration.ofMillis(500).toNanos();

    /** The same for one that ended by itself, and is to say how. */
    private static final long TAIL_NANOS = Duration.ofSeconds(3).toNanos();

    /**
     * How it was decided that this stream ends.
     *
     * @param reason null when the engine ended by itself
     * @param at when, by the stream's clock
     */
    private record Verdict(StopReason reason, long at) {}

    private final EngineRun run;
    private final EngineJob job;
    private final LongSupplier nanoTime;
    private final long openedAt;
    private final Consumer<EngineStream> onEnd;
    private final StopFilter stops;

    private final AtomicReference<Verdict> verdict = new AtomicReference<>();
    /** When the last piece was there, by the stream's clock. For the thread that iterates. */
    private long readAt;

    private volatile boolean waiting;
    private volatile long waitingSince;

    /** Decided but not handed out yet, as text comes before it; or null. */
    private EngineEnd end;

    private volatile boolean ended;

    /** @param onEnd told once the engine has ended, before the end is handed out; may be told again */
    EngineStream(EngineRun run, EngineJob job, LongSupplier nanoTime, Consumer<EngineStream> onEnd) {
        this.run = run;
        this.job = job;
        this.nanoTime = nanoTime;
        this.openedAt = nanoTime.getAsLong();
        this.onEnd = onEnd;
        this.stops = new StopFilter(job.request().stop());
    }

    /** What the engine was asked. */
    public EngineJob job() {
        return job;
    }

    /** What writes it. */
    EngineRun run() {
        return run;
    }

    /** Whether there is more: true until the end was handed out. Never waits. */
    @Override
    public boolean hasNext() {
        return !ended;
    }

    /** Waits until the engine writes or ends. */
    @Override
    public EngineOutput next() {
        if (ended) {
            throw new NoSuchElementException("the engine's end was handed out already");
        }
        while (end == null) {
            String text = advance();
            if (!text.isEmpty()) {
                return new EngineText(text, readAt);
            }
        }
        ended = true;
        return end;
    }

    /**
     * Ends the engine now.
     *
     * @return false when it had ended, or was stopped, before; then nothing changes
     */
    public boolean stop(StopReason reason) {
        if (!decide(reason)) {
            return false;
        }
        run.kill();
        try (var unused = about()) {
            LOG.debug("the engine was stopped: {}", reason);
        }
        return true;
    }

    /** Kills the engine if it runs still. What was not read is lost. */
    @Override
    public void close() {
        if (!stop(StopReason.LOST)) {
            run.release();
        }
        onEnd.accept(this);
    }

    /** Stops the engine and everything that it left behind. */
    void abandon() {
        stop(StopReason.LOST);
        run.killLeftovers();
    }

    /** Somebody waits for the engine from now on, though not in {@link #next}: the stall clock runs. */
    void waitFor() {
        waitingSince = nanoTime.getAsLong();
        waiting = true;
    }

    /** Nobody waits for the engine now: the stall clock stands still. */
    void waitNoMore() {
        waiting = false;
    }

    /**
     * Stops the engine when its job's time is over or it has kept its reader waiting too long, and frees a reader that a
     * kill did not wake, or whom an engine that has ended keeps waiting.
     */
    void watch(long stallNanos) {
        long now = nanoTime.getAsLong();
        if (job.timeLeft() != null && now - openedAt >= job.timeLeft().toNanos()) {
            stop(StopReason.DEADLINE);
        }
        if (!waiting) {
            return;
        }
        Verdict decided = verdict.get();
        if (decided == null) {
            if (now - waitingSince >= stallNanos && stop(StopReason.STALLED)) {
                try (var unused = about()) {
                    LOG.warn("the engine wrote nothing for too long and was stopped");
                }
            }
        } else if (now - decided.at() >= (decided.reason() == null ? TAIL_NANOS : LEFTOVER_NANOS)) {
            run.killLeftovers();
        }
    }

    private JobLog.Scope about() {
        return JobLog.about(job.requestId(), job.model(), job.attempt());
    }

    /** False when it was decided before. */
    private boolean decide(StopReason reason) {
        return verdict.compareAndSet(null, new Verdict(reason, nanoTime.getAsLong()));
    }

    /** One read. Returns the text that it made certain, perhaps none, and sets {@link #end} when there is no more. */
    private String advance() {
        String piece = verdict.get() == null ? read() : null;
        if (piece == null) {
            return decide(null) ? endOfOutput() : endOfStopped();
        }
        String text = stops.accept(piece);
        if (stops.matched()) {
            if (!decide(null)) {
                return endOfStopped();
            }
            run.kill();
            conclude(run.counted(EngineEnd.finished(FinishReason.STOP, null, run.log())));
        } else if (verdict.get() != null) {
            return endOfStopped();
        }
        return text;
    }

    /** The next piece; null at the end of the output. */
    private String read() {
        waitFor();
        try {
            String piece = run.read();
            readAt = nanoTime.getAsLong();
            return piece;
        } catch (IOException e) {
            LOG.debug("the engine's output could not be read to its end", e);
            return null;
        } finally {
            waitNoMore();
        }
    }

    /** The output ended by itself. Returns text that was held back, if the output is whole. */
    private String endOfOutput() {
        EngineRun.Ending ending = ending();
        EngineEnd result = ending.end();
        if (result.isFailure()) {
            conclude(result);
            return "";
        }
        String text = stops.accept(ending.rest());
        text = stops.matched() ? text : text + stops.rest();
        conclude(stops.matched() ? result.as(FinishReason.STOP) : result);
        return text;
    }

    private EngineRun.Ending ending() {
        waitFor();
        try {
            return run.end();
        } finally {
            waitNoMore();
        }
    }

    private String endOfStopped() {
        run.awaitStopped();
        String log = run.log();
        conclude(
                switch (verdict.get().reason()) {
                    case CANCELLED -> run.counted(EngineEnd.finished(FinishReason.CANCELLED, null, log));
                    case DEADLINE -> run.counted(EngineEnd.finished(FinishReason.DEADLINE, null, log));
                    case STALLED -> EngineEnd.failed(EngineFailure.stalled(), null, log);
                    case HANDED_OVER -> EngineEnd.failed(EngineFailure.handedOver(), null, log);
                    case LOST -> EngineEnd.failed(EngineFailure.lost(), null, log);
                });
        return "";
    }

    private void conclude(EngineEnd conclusion) {
        end = conclusion;
        onEnd.accept(this);
    }
}
