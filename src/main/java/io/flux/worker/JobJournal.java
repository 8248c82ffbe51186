package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.EngineText;
import io.flux.engine.Engines;
import io.flux.engine.FinishReason;
import io.flux.engine.StopReason;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.ledger.Ledger;
import io.flux.ledger.Write;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes an attempt's events: builds each frame once, journals it and has it published. When the ledger answers that the
 * job was cancelled or is another's, the engine is stopped; its stream then ends by itself.
 *
 * <p>Every method may be called again after Redis did not answer: an event keeps its {@code seq} until it is written, and
 * the ledger writes each {@code seq} once. What ends an attempt throws {@code FencedException} when another owns the job.
 * Thread-safe for different attempts. Blocks for one round trip to Redis.
 */
public final class JobJournal {
    private static final Logger LOG = LoggerFactory.getLogger(JobJournal.class);
    private static final int LOGGED_STDERR = 400;

    private final Ledger ledger;
    private final EventJson json;
    private final Engines engines;
    private final WorkerMeters meters;
    private final int attempts;

    /**
     * @param attempts how often a job is tried
     */
    public JobJournal(Ledger ledger, EventJson json, Engines engines, WorkerMeters meters, int attempts) {
        this.ledger = ledger;
        this.json = json;
        this.engines = engines;
        this.meters = meters;
        this.attempts = attempts;
    }

    /** The attempt begins: {@code start}, or {@code restart} for a later one. */
    public void begin(Attempt attempt) {
        long seq = attempt.nextSeq();
        Event event = attempt.number() == 1
                ? new Event.Start(
                        attempt.requestId(),
                        seq,
                        attempt.number(),
                        attempt.queued().toMillis())
                : new Event.Restart(attempt.requestId(), seq, attempt.number(), "continue");
        append(attempt, seq, event);
        if (attempt.number() == 1) {
            meters.queued(attempt.model(), attempt.queued());
        }
        LOG.info("attempt begins {}", describe(attempt));
    }

    /** The engine has written. */
    public void text(Attempt attempt, EngineText text) {
        if (attempt.isAbandoned()) {
            return;
        }
        long seq = attempt.nextSeq();
        append(attempt, seq, new Event.Token(attempt.requestId(), seq, text.content()));
        Duration gap = attempt.wrote();
        if (gap == null) {
            meters.firstText(attempt.model(), attempt.timeToFirstText());
        } else {
            meters.nextText(attempt.model(), gap);
        }
    }

    private void append(Attempt attempt, long seq, Event event) {
        Write write = ledger.append(attempt.requestId(), attempt.number(), seq, json.write(event));
        attempt.written();
        switch (write) {
            case CANCELLED -> engines.stop(attempt.requestId(), StopReason.CANCELLED);
            case FENCED -> engines.stop(attempt.requestId(), StopReason.LOST);
            case OK -> {}
        }
    }

    /** Redis cannot be reached for too long: the engine stops, the lease runs out, and the next attempt goes on. */
    public void abandon(Attempt attempt) {
        attempt.abandon();
        engines.stop(attempt.requestId(), StopReason.LOST);
    }

    /** What is to be done about the way an attempt ended. */
    public Verdict judge(Attempt attempt, EngineEnd end) {
        Verdict verdict = attempt.isAbandoned() ? Verdict.LOST : Verdict.of(end, attempt.number(), attempts);
        if (end.failure() != null) {
            LOG.warn(
                    "attempt failed {} verdict={} code={} exit={}: {} stderr: {}",
                    describe(attempt),
                    verdict,
                    end.failure().code(),
                    end.exitCode(),
                    end.failure().message(),
                    lastLines(end.stderrTail()));
        }
        return verdict;
    }

    /** The answer is whole. */
    public void complete(Attempt attempt, EngineEnd end) {
        String reason = end.finish().wireName();
        long seq = attempt.nextSeq();
        Integer completion = end.completionTokens() == null || attempt.number() > 1 ? null : end.completionTokens();
        Event.Usage usage = completion == null ? null : new Event.Usage(end.promptTokens(), completion);
        finish(
                attempt,
                seq,
                new Event.Complete(attempt.requestId(), seq, reason, completion, usage, timings(attempt, completion)),
                reason);
        meters.tokens(attempt.model(), end.completionTokens());
    }

    private static Event.Timings timings(Attempt attempt, Integer tokens) {
        Long toFirst = attempt.timeToFirstText() == null
                ? null
                : attempt.timeToFirstText().toMillis();
        Double rate = null;
        if (tokens != null && tokens > 1 && toFirst != null) {
            double seconds = attempt.writing().toNanos() / 1e9;
            rate = seconds > 0 ? Math.round((tokens - 1) / seconds * 10) / 10.0 : null;
        }
        return new Event.Timings(
                attempt.queued().toMillis(), toFirst, attempt.running().toMillis(), rate);
    }

    /** The job ends with an error, for want of attempts or because the request cannot be served. */
    public void fail(Attempt attempt, EngineEnd end) {
        EngineFailure failure = end.failure();
        long seq = attempt.nextSeq();
        String code = failure.clientError() ? failure.code() : "engine_failed";
        finish(
                attempt,
                seq,
                new Event.Error(
                        attempt.requestId(),
                        seq,
                        code,
                        failure.message(),
                        failure.clientError() ? "prompt" : null,
                        null),
                code);
    }

    private void finish(Attempt attempt, long seq, Event event, String outcome) {
        ledger.finish(attempt.requestId(), attempt.number(), seq, json.write(event), outcome);
        meters.ended(attempt.model(), outcome);
        LOG.info(
                "job ended {} outcome={} totalMs={}",
                describe(attempt),
                outcome,
                attempt.running().toMillis());
    }

    /** Ends a failed attempt and leaves the job to the next; false when no next one is wanted. */
    public boolean retry(Attempt attempt) {
        boolean again = ledger.retry(attempt.requestId(), attempt.number());
        if (!again) {
            complete(attempt, new EngineEnd(FinishReason.CANCELLED, null, null, null, null, ""));
        }
        return again;
    }

    private static String lastLines(String stderr) {
        return stderr.substring(Math.max(0, stderr.length() - LOGGED_STDERR)).strip();
    }

    private static String describe(Attempt attempt) {
        return "requestId=" + attempt.requestId() + " model=" + attempt.model() + " attempt=" + attempt.number();
    }
}
