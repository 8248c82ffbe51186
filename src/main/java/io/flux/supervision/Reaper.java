package io.flux.supervision;

import io.flux.job.AttemptLimits;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.FailureReport;
import io.flux.ledger.Ended;
import io.flux.ledger.Ledger;
import io.flux.ledger.Reclaimed;
import io.flux.ledger.Stuck;
import io.flux.log.JobLog;
import io.flux.observe.EndedJobs;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of helping jobs that got stuck, called one by one by the reap routes of every process. Each may be taken by
 * several processes at once. Thread-safe; each blocks for a round trip or two to Redis.
 */
public final class Reaper {
    private static final Logger LOG = LoggerFactory.getLogger(Reaper.class);
    /** Of each kind and round; what is left is found in the next. */
    private static final int PAGE = 500;
    /** Rounds that may fail to come before leases get another full length. A lease is longer than they and a renewal. */
    public static final int PAUSE_ROUNDS = 3;

    private static final String CODE = "engine_failed";
    private static final String LOST = "the worker was lost, and no attempt is left";

    private final Ledger ledger;
    private final Endings endings;
    private final EventJson json;
    private final MeterRegistry registry;
    private final EndedJobs jobs;
    private final Clock clock;
    private final Terms terms;

    /**
     * What the reaper goes by.
     *
     * @param every how often it looks
     * @param lease the length of a lease
     * @param attention how long a job counts as followed without a new sign
     * @param limits how often a job is tried
     * @param deadRetention how long a dead letter is kept
     */
    public record Terms(
            Duration every, Duration lease, Duration attention, AttemptLimits limits, Duration deadRetention) {}

    public Reaper(Ledger ledger, Endings endings, EventJson json, MeterRegistry registry, Clock clock, Terms terms) {
        this.ledger = ledger;
        this.endings = endings;
        this.json = json;
        this.registry = registry;
        this.jobs = new EndedJobs(registry);
        this.clock = clock;
        this.terms = terms;
    }

    /** Looks for jobs of a model that need help. */
    public Stuck look(String model) {
        recovered(model); // so that the first is an increase
        return ledger.reap(
                model, terms.lease(), terms.attention(), terms.every().multipliedBy(PAUSE_ROUNDS), PAGE);
    }

    /** Takes a job from a worker whose lease has run out, and says what is to become of it. */
    public Reclaimed reclaim(String id) {
        return ledger.reclaim(
                id, terms.lease(), terms.limits().failures(), terms.limits().attempts());
    }

    /** Gives a job back to the front of its queue. */
    public void recover(String id, String model) {
        if (ledger.recover(id, model)) {
            try (var unused = JobLog.about(id, model)) {
                LOG.info("the job had lost its worker or waited for its next attempt, and is in the queue again");
            }
            recovered(model).increment();
        }
    }

    /** Ends a job for which no attempt is left; nothing when somebody else has, or when it runs again. */
    public void exhaust(String id, String model, Reclaimed reclaimed) {
        Event error = new Event.Error(id, 0L, CODE, LOST, null, null, reclaimed.attempts(), null);
        FailureReport report = new FailureReport(CODE, LOST, reclaimed.attempts(), null, null, null, clock.millis());
        Ended ended = ledger.exhaust(id, endings.around(error, error), CODE, json.write(report), terms.deadRetention());
        if (ended.outcome() != Ended.Outcome.ENDED) {
            return;
        }
        try (var unused = JobLog.about(id, model, reclaimed.attempts())) {
            LOG.warn("the job has lost its worker in its last attempt: dead letter");
        }
        jobs.count(model, CODE);
    }

    private Counter recovered(String model) {
        return Counter.builder("flux.jobs.recovered")
                .description("Jobs that this process has put back into the queue: they had lost their worker, or paused"
                        + " before their next attempt")
                .tag("model", model)
                .register(registry);
    }

    /** Puts a job that died on the dead-letter list; nothing when it did not, or was dropped meanwhile. */
    public void bury(String id, String model) {
        if (ledger.deadLetter(id) != null) {
            ledger.bury(id, model);
        }
    }

    /** Takes a job that has ended off every list of its model; nothing when no model is known. */
    public void remove(String id, String model) {
        if (model != null) {
            ledger.remove(id, model);
        }
    }

    /** Takes a model's dead letters whose time is over off their list. */
    public void forgetDead(String model) {
        ledger.forgetDead(model);
    }
}
