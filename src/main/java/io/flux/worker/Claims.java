package io.flux.worker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.Engines;
import io.flux.engine.StopReason;
import io.flux.engine.Transcript;
import io.flux.job.Answer;
import io.flux.job.JobRequest;
import io.flux.ledger.Backlog;
import io.flux.ledger.Ledger;
import io.flux.ledger.Started;
import io.flux.ledger.Write;
import io.flux.log.JobLog;
import io.flux.model.ModelSpec;
import io.flux.model.ServedModels;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs that this worker holds: makes the next job this worker's, keeps it so as long as it is served, and passes on
 * what others want of it. A job is held from {@link #claim} until one of {@link #release}, {@link #requeue}, {@link
 * #bury} and {@link #drop}; its lease is renewed for exactly that long.
 *
 * <p>A stop may come before the job's engine is there. It is remembered, and takes effect when {@link #opened} says that the
 * engine is: {@link Engines#onOpen} is to be given that.
 *
 * <p>While a slot's thread has a job, all that it logs is about that: see {@link JobLog}. Thread-safe; blocks for round
 * trips to Redis.
 */
public final class Claims {
    private static final Logger LOG = LoggerFactory.getLogger(Claims.class);
    private static final int PAGE = 512;

    private final Ledger ledger;
    private final ObjectMapper mapper;
    private final Engines engines;
    private final ServedModels models;
    private final String worker;
    private final Duration lease;
    private final Map<String, Claim> held = new ConcurrentHashMap<>();
    private final LongAdder lost = new LongAdder();

    /** One holding of a job. */
    private static final class Claim {
        private final String name;
        private final String model;
        private final long poppedNanos;
        private volatile Attempt attempt;
        private volatile StopReason wish;

        Claim(String name, String model, long poppedNanos) {
            this.name = name;
            this.model = model;
            this.poppedNanos = poppedNanos;
        }
    }

    /**
     * @param models the models that this worker serves
     * @param worker this worker's id
     * @param lease how long a job stays ours without a renewal
     */
    public Claims(
            Ledger ledger, ObjectMapper mapper, Engines engines, ServedModels models, String worker, Duration lease) {
        this.ledger = ledger;
        this.mapper = mapper;
        this.engines = engines;
        this.models = models;
        this.worker = worker;
        this.lease = lease;
    }

    /**
     * Takes the next job of a model, for a slot that has a ticket.
     *
     * @param claim names this claim; the same one may ask again when Redis did not answer, and gets the same job
     * @return the job's id; null when none waits, or when the next is one that this worker holds still
     */
    public String claim(String model, String claim) {
        JobLog.leave();
        long poppedNanos = System.nanoTime();
        String id = ledger.claim(model, named(claim), lease);
        if (id == null) {
            return null;
        }
        Claim holder = held.computeIfAbsent(id, i -> new Claim(claim, model, poppedNanos));
        if (!holder.name.equals(claim)) {
            // It was given to others while we did not notice, and came back: the slot that has it still will be refused
            // by the ledger soon, and nobody renews its lease then.
            try (var unused = JobLog.about(id, model)) {
                LOG.warn("the job came back while this worker still holds it; it is left to the reaper");
            }
            return null;
        }
        JobLog.enter(id, model, worker);
        return id;
    }

    private String named(String claim) {
        return worker + " " + claim;
    }

    /**
     * Begins an attempt; null when the job has ended.
     *
     * @throws io.flux.ledger.FencedException when another attempt is at it
     */
    public Attempt start(String id) throws JsonProcessingException {
        Claim claim = held.get(id);
        Started started = ledger.start(id, worker, named(claim.name));
        if (started == null) {
            return null;
        }
        JobRequest request =
                mapper.readValue(started.request(), JobRequest.class).withId(id);
        ModelSpec model = models.named(claim.model);
        JobLog.attempt(started.attempt());
        Past past = started.attempt() == 1 ? Past.NONE : past(id);
        boolean goesOn = model.features().continuation() && !request.isConstrained();
        claim.attempt = new Attempt(started, request, model, past, goesOn, new Stopwatch(claim.poppedNanos));
        return claim.attempt;
    }

    /** The job's engine is open: a stop that came before it takes effect now. By the slot's thread. */
    public void opened(String id) {
        Claim claim = held.get(id);
        if (claim == null) {
            return;
        }
        if (claim.attempt != null) {
            claim.attempt.watch().asked();
        }
        if (claim.wish != null) {
            engines.stop(id, claim.wish);
        }
    }

    /** Has a job that this worker holds stopped; nothing when it holds it no more. */
    public void stop(String id, StopReason reason) {
        stop(id, held.get(id), reason);
    }

    /** Stops that holding of the job, and not a later one of the same job. */
    private void stop(String id, Claim claim, StopReason reason) {
        if (claim != null && held.get(id) == claim) {
            claim.wish = reason; // before the engine is looked for: it may be opened in between
            engines.stop(id, reason);
        }
    }

    /** Does what this worker's channel says: {@code <reason> <id>}. */
    public void obey(String message) {
        int space = message.indexOf(' ');
        stop(
                message.substring(space + 1),
                StopReason.valueOf(message.substring(0, space).toUpperCase(Locale.ROOT)));
    }

    /** Extends the leases of the jobs that are held; a job whose lease is lost is stopped. */
    public void renew() {
        Map<String, Map<String, Claim>> leased = new HashMap<>();
        held.forEach((id, claim) ->
                leased.computeIfAbsent(claim.model, model -> new HashMap<>()).put(id, claim));
        leased.forEach(
                (model, claims) -> ledger.renew(model, lease, claims.keySet()).forEach(id -> lost(id, claims.get(id))));
    }

    private void lost(String id, Claim claim) {
        lost.increment();
        stop(id, claim, StopReason.LOST);
    }

    /** Stops what is to be stopped and was not heard of on the channel; one round trip for each running job. */
    public void check() {
        held.forEach((id, claim) -> {
            Attempt attempt = claim.attempt;
            if (attempt != null) {
                StopReason reason = reason(ledger.check(id, attempt.number()));
                if (reason != null) {
                    stop(id, claim, reason);
                }
            }
        });
    }

    /** Why an engine is to be stopped after this answer; null when it may go on. */
    static StopReason reason(Write answer) {
        return switch (answer) {
            case OK -> null;
            case CANCELLED -> StopReason.CANCELLED;
            case DEADLINE -> StopReason.DEADLINE;
            case FENCED -> StopReason.LOST;
        };
    }

    /** Has every job that is held stopped, for another worker to go on with. */
    public void handOver() {
        held.keySet().forEach(id -> stop(id, StopReason.HANDED_OVER));
    }

    /** How many leases were lost so far: they had run out before they were renewed. */
    public long lost() {
        return lost.sum();
    }

    /** How many jobs of a model this worker holds. */
    public long count(String model) {
        return held.values().stream().filter(claim -> claim.model.equals(model)).count();
    }

    /** How many jobs this worker holds. */
    public int count() {
        return held.size();
    }

    /** A finished job: its lease ends. */
    public void release(String id, String model) {
        ledger.release(id, model);
        held.remove(id);
        JobLog.leave();
    }

    /**
     * Gives a job back to the front of its queue.
     *
     * @param delay until its next attempt
     */
    public void requeue(String id, String model, Duration delay) {
        // No renewal from here on: one that comes after the hand-back would take the next worker's lease for ours.
        held.remove(id);
        ledger.requeue(id, model, delay);
        JobLog.leave();
    }

    /** Gives a job back to the front of its queue, as it was. */
    public void giveBack(String id, String model) {
        requeue(id, model, Duration.ZERO);
    }

    /** A job for which no attempt is left: onto the dead-letter list. */
    public void bury(String id, String model) {
        ledger.bury(id, model);
        held.remove(id);
        JobLog.leave();
    }

    /** Leaves a job alone: its lease, if it is ours still, runs out. */
    public void drop(String id) {
        held.remove(id);
        JobLog.leave();
    }

    private Past past(String id) {
        Answer answer = new Answer(mapper);
        Backlog page = ledger.read(id, 0, PAGE);
        while (!page.entries().isEmpty()) {
            page.entries().forEach(entry -> answer.add(entry.frame()));
            page = ledger.read(id, page.entries().get(page.entries().size() - 1).seq(), PAGE);
        }
        return new Past(new Transcript(answer.text(), answer.pieces()), answer.resumes());
    }
}
