package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.EngineText;
import io.flux.engine.FinishReason;
import io.flux.engine.StopReason;
import io.flux.engine.UsageCounter;
import io.flux.job.AttemptLimits;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.FailureReport;
import io.flux.ledger.FencedException;
import io.flux.ledger.JournalBehindException;
import io.flux.ledger.Ledger;
import io.flux.ledger.Write;
import io.flux.trace.Tracing;
import java.time.Clock;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes an attempt's events: builds each frame once, journals it and has it published. When the ledger answers that the
 * job is to be stopped or is another's, the engine is stopped; its stream then ends by itself.
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
    private final Claims claims;
    private final WorkerMeters meters;
    private final Terms terms;

    /**
     * What does not change from job to job.
     *
     * @param limits how often a job is tried
     * @param deadRetention how long a dead letter is kept
     * @param worker this worker's id
     * @param clock says when a job died
     * @param tracing makes spans of attempts
     * @param usage counts the tokens of answers
     */
    public record Terms(
            AttemptLimits limits,
            Duration deadRetention,
            String worker,
            Clock clock,
            Tracing tracing,
            UsageCounter usage) {}

    public JobJournal(Ledger ledger, EventJson json, Claims claims, WorkerMeters meters, Terms terms) {
        this.ledger = ledger;
        this.json = json;
        this.claims = claims;
        this.meters = meters;
        this.terms = terms;
    }

    /** The attempt begins: {@code start}, or {@code restart} when one before it has said so. */
    public void begin(Attempt attempt) {
        long seq = attempt.nextSeq();
        boolean first = seq == 1; // a worker may have died before it could say anything
        Event event = first
                ? new Event.Start(
                        attempt.requestId(),
                        seq,
                        attempt.number(),
                        attempt.queued().toMillis())
                : new Event.Restart(
                        attempt.requestId(), seq, attempt.number(), attempt.resets() ? "reset" : "continue");
        attempt.traced(terms.tracing());
        append(attempt, seq, event);
        if (first) {
            meters.begun(attempt);
        }
        LOG.info("attempt begins");
    }

    /** The engine has written. */
    public void text(Attempt attempt, EngineText text) {
        if (attempt.isAbandoned()) {
            return;
        }
        long seq = attempt.nextSeq();
        append(attempt, seq, new Event.Token(attempt.requestId(), seq, text.content()));
        attempt.wrote(text.content());
        Duration gap = attempt.watch().wrote(text.readNanos());
        if (gap == null) {
            attempt.firstText();
            meters.firstText(attempt);
        } else {
            meters.nextText(attempt.model(), gap);
        }
    }

    private void append(Attempt attempt, long seq, Event event) {
        String frame = json.write(event);
        attempt.recent().keep(seq, frame);
        Write write =
                afterWhatIsMissing(attempt, () -> ledger.append(attempt.requestId(), attempt.number(), seq, frame));
        attempt.written();
        StopReason reason = Claims.reason(write);
        if (reason != null) {
            if (reason == StopReason.LOST) {
                meters.fenced(attempt.model());
            }
            claims.stop(attempt.requestId(), reason);
        }
    }

    /**
     * Writes an event, and before it those that the journal has lost: it came back without its last ones, or a replica
     * took over that did not have them. They get the {@code seq} that clients know them by.
     *
     * @throws FencedException when they are not at hand any more: the next attempt goes on after those that are left
     */
    private <T> T afterWhatIsMissing(Attempt attempt, Supplier<T> write) {
        long missing = 0;
        while (true) {
            try {
                if (missing > 0) {
                    writeAgain(attempt, missing);
                }
                return write.get();
            } catch (JournalBehindException e) {
                missing = e.last() + 1;
            }
        }
    }

    private void writeAgain(Attempt attempt, long from) {
        String frame = attempt.recent().get(from);
        if (frame == null) {
            LOG.warn("the journal has lost event {}, which is not at hand any more", from);
            abandon(attempt);
            throw new FencedException(attempt.requestId());
        }
        LOG.warn("the journal has lost event {} and those after it; they are written again", from);
        for (long seq = from; frame != null; frame = attempt.recent().get(++seq)) {
            ledger.append(attempt.requestId(), attempt.number(), seq, frame);
        }
    }

    /** Redis cannot be reached for too long: the engine stops, the lease runs out, and the next attempt goes on. */
    public void abandon(Attempt attempt) {
        attempt.abandon();
        claims.stop(attempt.requestId(), StopReason.LOST);
    }

    /** What is to be done about the way an attempt ended. */
    public Verdict judge(Attempt attempt, EngineEnd end) {
        Verdict verdict = attempt.isAbandoned()
                ? Verdict.LOST
                : Verdict.of(end, attempt.number(), attempt.failures(), terms.limits());
        meters.judged(attempt, verdict, end);
        attempt.traced(verdict, end);
        if (end.failure() != null) {
            LOG.warn(
                    "attempt failed verdict={} code={} exit={}: {} stderr: {}",
                    verdict,
                    end.failure().code(),
                    end.exitCode(),
                    end.failure().message(),
                    lastLines(end.stderrTail()));
        }
        return verdict;
    }

    /** The answer is whole, or as whole as it gets. Waits for the tokenizer where the engine has not counted. */
    public void complete(Attempt attempt, EngineEnd end) {
        String reason = end.finish().wireName();
        long seq = attempt.nextSeq();
        UsageCounter.Usage usage = attempt.usage(terms.usage(), end);
        finish(
                attempt,
                seq,
                new Event.Complete(
                        attempt.requestId(),
                        seq,
                        reason,
                        usage.estimated() ? null : (Integer) usage.completion(),
                        new Event.Usage(usage.prompt(), usage.completion(), usage.estimated() ? true : null),
                        attempt.number(),
                        attempt.resumes(),
                        timings(attempt, end, attempt.isWhole() ? end.completionTokens() : null)),
                reason);
        meters.tokens(attempt.model(), end);
    }

    private static Event.Timings timings(Attempt attempt, EngineEnd end, Integer tokens) {
        Stopwatch watch = attempt.watch();
        return new Event.Timings(
                attempt.queued().toMillis(),
                attempt.number() == 1 ? null : (Long) attempt.requeued().toMillis(),
                tenths(end.times().loadMs()),
                tenths(end.times().promptEvalMs()),
                watch.timeToFirstText() == null
                        ? null
                        : (Long) watch.timeToFirstText().toMillis(),
                tenths(end.times().evalMs()),
                attempt.running().toMillis(),
                tokensPerSecond(tokens, end.times().evalMs(), watch.writing()),
                overhead(watch));
    }

    /** By the engine's own clock where it tells: what it wrote faster than it was read came in few pieces, which tell little. */
    private static Double tokensPerSecond(Integer tokens, Double evalMs, Duration writing) {
        double ms = evalMs != null && evalMs > 0 ? evalMs : writing == null ? 0 : writing.toNanos() / 1e6;
        return tokens == null || tokens < 2 || ms == 0 ? null : (Double) rounded((tokens - 1) / (ms / 1000), 10);
    }

    private static Event.Overhead overhead(Stopwatch watch) {
        if (watch.dispatch() == null) {
            return null;
        }
        double relayMs = watch.relay().toNanos() / 1e6;
        return new Event.Overhead(
                tenths(watch.dispatch().toNanos() / 1e6),
                tenths(relayMs),
                watch.texts(),
                watch.texts() == 0 ? null : rounded(relayMs / watch.texts(), 1000));
    }

    private static Double tenths(Double ms) {
        return ms == null ? null : rounded(ms, 10);
    }

    private static Double rounded(double value, int parts) {
        return (double) Math.round(value * parts) / parts;
    }

    private static Event.Error error(
            Attempt attempt, EngineEnd end, long seq, String code, String error, String field) {
        return new Event.Error(
                attempt.requestId(), seq, code, error, field, null, attempt.number(), timings(attempt, end, null));
    }

    /** The job's time is over before an engine was asked. */
    public void overdue(Attempt attempt) {
        complete(attempt, EngineEnd.unasked(FinishReason.DEADLINE));
    }

    /** The request cannot be served, and its sender is told. */
    public void refuse(Attempt attempt, EngineEnd end) {
        EngineFailure failure = end.failure();
        long seq = attempt.nextSeq();
        Event error = error(attempt, end, seq, failure.code(), failure.message(), failure.field());
        finish(attempt, seq, error, failure.code());
    }

    /** No attempt is left: the client is told, and operators will find out why with the dead letter. */
    public void die(Attempt attempt, EngineEnd end) {
        String error = end.failure().message();
        FailureReport report = new FailureReport(
                EngineFailure.ENGINE_FAILED,
                error,
                attempt.number(),
                end.exitCode(),
                end.stderrTail(),
                terms.worker(),
                terms.clock().millis());
        long seq = attempt.nextSeq();
        Event event = error(attempt, end, seq, EngineFailure.ENGINE_FAILED, error, null);
        String frame = json.write(event);
        afterWhatIsMissing(attempt, () -> {
            ledger.die(
                    attempt.requestId(),
                    attempt.number(),
                    seq,
                    frame,
                    EngineFailure.ENGINE_FAILED,
                    json.write(report),
                    terms.deadRetention());
            return null;
        });
        ended(attempt, EngineFailure.ENGINE_FAILED);
    }

    private void finish(Attempt attempt, long seq, Event event, String outcome) {
        String frame = json.write(event);
        afterWhatIsMissing(attempt, () -> {
            ledger.finish(attempt.requestId(), attempt.number(), seq, frame, outcome);
            return null;
        });
        ended(attempt, outcome);
    }

    private void ended(Attempt attempt, String outcome) {
        meters.ended(attempt, outcome);
        LOG.info("job ended outcome={} total_ms={}", outcome, attempt.running().toMillis());
    }

    /** Ends a failed attempt and leaves the job to the next; false when no next one is wanted. */
    public boolean retry(Attempt attempt, EngineEnd end) {
        switch (ledger.retry(
                attempt.requestId(),
                attempt.number(),
                Verdict.counts(end),
                end.failure().code())) {
            case CANCELLED -> complete(attempt, EngineEnd.unasked(FinishReason.CANCELLED));
            case DEADLINE -> complete(attempt, EngineEnd.unasked(FinishReason.DEADLINE));
            default -> {
                return true;
            }
        }
        return false;
    }

    private static String lastLines(String stderr) {
        return stderr.substring(Math.max(0, stderr.length() - LOGGED_STDERR)).strip();
    }
}
