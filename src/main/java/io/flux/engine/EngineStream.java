package io.flux.engine;

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
 * {@link EngineEnd}. Trouble with the engine is an end, never an exception.
 *
 * <p>One thread iterates. {@link #stop} and {@link #close} are for any thread: they kill the process, which wakes the
 * iterating thread. The first verdict wins:
 *
 * <pre>
 *             end of stdout, stop text
 *   RUNNING ──────────────────────────▶ ended by itself ──▶ End (stop, length, or a failure by exit code and log)
 *      └──────── stop(reason) ────────▶ stopped ──────────▶ End (cancelled, deadline, or a failure that says why)
 * </pre>
 */
public final class EngineStream implements Iterator<EngineOutput>, Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineStream.class);

    /** Between the end of stdout and the exit; an engine that takes longer is killed. */
    private static final Duration EXIT_GRACE = Duration.ofSeconds(2);

    private static final Duration EXIT_STEP = Duration.ofMillis(5);

    /** Between kill and end of stdout; after it, whoever else holds stdout open is killed. */
    private static final long LEFTOVER_NANOS = Duration.ofMillis(500).toNanos();

    private static final int SIGNAL_BASE = 128;
    private static final int LAST_SIGNAL = 64;

    /** How it was decided that this stream ends; {@code reason} is null when the engine ended by itself. */
    private record Verdict(StopReason reason) {}

    private final LiveProcess process;
    private final EngineJob job;
    private final EngineDialect dialect;
    private final LongSupplier nanoTime;
    private final long openedAt;
    private final Consumer<EngineStream> onEnd;
    private final Utf8Chunks chunks;
    private final TrailerFilter trailer = new TrailerFilter();
    private final StopFilter stops;

    private final AtomicReference<Verdict> verdict = new AtomicReference<>();
    private volatile long stoppedAt;
    private volatile boolean waiting;
    private volatile long waitingSince;

    /** Decided but not handed out yet, as text comes before it; or null. */
    private EngineEnd end;

    private volatile boolean ended;

    /** @param onEnd told once the engine has ended, before the end is handed out; may be told again */
    EngineStream(
            LiveProcess process,
            EngineJob job,
            EngineDialect dialect,
            LongSupplier nanoTime,
            Consumer<EngineStream> onEnd) {
        this.process = process;
        this.job = job;
        this.dialect = dialect;
        this.nanoTime = nanoTime;
        this.openedAt = nanoTime.getAsLong();
        this.onEnd = onEnd;
        this.chunks = new Utf8Chunks(process.getStdout());
        this.stops = new StopFilter(job.request().stop());
    }

    /** What the engine was asked. */
    public EngineJob job() {
        return job;
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
                return new EngineText(text);
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
        if (!verdict.compareAndSet(null, new Verdict(reason))) {
            return false;
        }
        stoppedAt = nanoTime.getAsLong();
        process.kill();
        LOG.debug(
                "Engine stopped: requestId={} model={} attempt={} reason={}",
                job.requestId(),
                job.model(),
                job.attempt(),
                reason);
        return true;
    }

    /** Kills the engine if it runs still. What was not read is lost. */
    @Override
    public void close() {
        if (!stop(StopReason.LOST) && process.isAlive()) {
            process.kill();
        }
        onEnd.accept(this);
    }

    /** Stops the engine and everything that it left behind. */
    void abandon() {
        stop(StopReason.LOST);
        process.killLeftovers();
    }

    /**
     * Stops the engine when its job's time is over or it has kept its reader waiting too long, and frees a reader that a
     * kill did not wake.
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
                LOG.warn(
                        "Engine wrote nothing for too long and was stopped: requestId={} model={} attempt={}",
                        job.requestId(),
                        job.model(),
                        job.attempt());
            }
        } else if (decided.reason() != null && now - stoppedAt >= LEFTOVER_NANOS) {
            process.killLeftovers();
        }
    }

    /** One read. Returns the text that it made certain, perhaps none, and sets {@link #end} when there is no more. */
    private String advance() {
        String chunk = verdict.get() == null ? read() : null;
        if (chunk == null) {
            return verdict.compareAndSet(null, new Verdict(null)) ? endOfOutput() : endOfStopped();
        }
        String text = stops.accept(dialect == EngineDialect.PLAIN ? chunk : trailer.accept(chunk));
        if (stops.matched()) {
            if (!verdict.compareAndSet(null, new Verdict(null))) {
                return endOfStopped();
            }
            process.kill();
            conclude(EngineEnd.finished(FinishReason.STOP, null, process.stderrTail()));
        } else if (verdict.get() != null) {
            return endOfStopped();
        }
        return text;
    }

    /** The next chunk; null at the end of stdout. The stall clock runs in here only. */
    private String read() {
        waitingSince = nanoTime.getAsLong();
        waiting = true;
        try {
            return chunks.read();
        } catch (IOException e) {
            LOG.debug("stdout of the engine for {} could not be read to its end", job.requestId(), e);
            return null;
        } finally {
            waiting = false;
        }
    }

    /** The engine closed its stdout by itself. Returns text that was held back, if the output is whole. */
    private String endOfOutput() {
        EngineEnd result = result();
        if (result.isFailure()) {
            conclude(result);
            return "";
        }
        String rest = chunks.rest();
        rest = dialect == EngineDialect.PLAIN ? rest : trailer.accept(rest) + trailer.rest();
        String text = stops.accept(rest);
        text = stops.matched() ? text : text + stops.rest();
        conclude(
                stops.matched()
                        ? EngineEnd.finished(FinishReason.STOP, result.exitCode(), result.stderrTail())
                                .withTokens(result.promptTokens(), result.completionTokens())
                        : result);
        return text;
    }

    private EngineEnd result() {
        if (process.startFailure() != null) {
            return EngineEnd.failed(process.startFailure(), null, process.stderrTail());
        }
        if (!awaitExit()) {
            process.kill();
            return EngineEnd.failed(
                    EngineFailure.failed("the engine closed its output and did not exit"), null, process.stderrTail());
        }
        // 0 for one that is over and still cleaning up
        int exitCode = process.getExitValue();
        process.kill();
        String stderr = process.stderrTail();
        if (dialect == EngineDialect.PLAIN) {
            return exitCode == 0
                    ? EngineEnd.finished(FinishReason.STOP, exitCode, stderr)
                    : EngineEnd.failed(exitFailure(exitCode), exitCode, stderr);
        }
        LlamaCompletionLog log = new LlamaCompletionLog(stderr);
        if (exitCode != 0) {
            EngineFailure refusal = log.refusal(job.request());
            return EngineEnd.failed(refusal == null ? exitFailure(exitCode) : refusal, exitCode, stderr);
        }
        // The end-of-text mark comes after all text too, so it vouches for the text as well as the log does.
        if (!trailer.whole() || !(log.textIsWhole() || trailer.endOfText())) {
            return EngineEnd.failed(EngineFailure.truncated(), exitCode, stderr);
        }
        return EngineEnd.finished(trailer.endOfText() ? FinishReason.STOP : FinishReason.LENGTH, exitCode, stderr)
                .withTokens(log.promptTokens(), log.completionTokens());
    }

    private String endOfStopped() {
        awaitExit();
        String stderr = process.stderrTail();
        conclude(
                switch (verdict.get().reason()) {
                    case CANCELLED -> EngineEnd.finished(FinishReason.CANCELLED, null, stderr);
                    case DEADLINE -> EngineEnd.finished(FinishReason.DEADLINE, null, stderr);
                    case STALLED -> EngineEnd.failed(EngineFailure.stalled(), null, stderr);
                    case HANDED_OVER -> EngineEnd.failed(EngineFailure.handedOver(), null, stderr);
                    case LOST -> EngineEnd.failed(EngineFailure.lost(), null, stderr);
                });
        return "";
    }

    private void conclude(EngineEnd conclusion) {
        end = conclusion;
        onEnd.accept(this);
    }

    /**
     * Waits, but not for long, until the process has exited and its stderr was read. One that closed its stdout and
     * wrote its log's last line has nothing left to say: it is ended, since nobody should wait for its cleaning up.
     */
    private boolean awaitExit() {
        try {
            long deadline = System.nanoTime() + EXIT_GRACE.toNanos();
            while (System.nanoTime() < deadline) {
                if (process.awaitEnd(EXIT_STEP)) {
                    return true;
                }
                if (dialect == EngineDialect.LLAMA_COMPLETION
                        && new LlamaCompletionLog(process.stderrTail()).isOver()) {
                    return true;
                }
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static EngineFailure exitFailure(int exitCode) {
        int signal = exitCode - SIGNAL_BASE;
        return EngineFailure.failed(
                signal > 0 && signal <= LAST_SIGNAL
                        ? "the engine was killed by signal " + signal
                        : "the engine exited with code " + exitCode);
    }
}
