package io.flux.callback;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.JobIds;
import io.flux.job.JobReport;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.ledger.CallbackLedger;
import io.flux.ledger.Ledger;
import io.flux.log.JobLog;
import io.flux.model.Secret;
import io.flux.retry.GrowingPause;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * The steps of posting answers, called one by one by the callback routes of every gateway. An answer is expected from the
 * moment its job is created, and is due until the receiver has taken it or the attempts are used up: at least once, then.
 * Thread-safe; each step blocks for a round trip or two to Redis.
 */
public final class Callbacks {
    private static final Logger LOG = LoggerFactory.getLogger(Callbacks.class);
    /** Jobs asked for at a time. */
    private static final int PAGE = 64;
    /** Above the longest time that one attempt waits and takes: no other process makes it meanwhile. */
    private static final Duration ATTEMPT = Duration.ofSeconds(60);

    /** How long an attempt may wait for its turn in this process. */
    public static final Duration MAX_WAIT = ATTEMPT.minus(CallbackHttp.DEADLINE).minusSeconds(10);

    /** Bounds one round, whatever is due. */
    private static final int MAX_PAGES = 200;
    /** A job that has not ended is looked at again, should the word of its end get lost. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);
    private static final int GONE = 410;

    private final CallbackLedger due;
    private final Ledger ledger;
    private final Function<String, JobReport> reports;
    private final ObjectMapper mapper;
    private final WebhookSignature signature;
    private final MeterRegistry registry;
    private final Clock clock;
    private final Terms terms;
    private final GrowingPause pause;

    /**
     * What the posting goes by.
     *
     * @param attempts how often an answer is posted before it is a dead letter, at least 1
     * @param backoff the pause before the second attempt; doubled for each more, up to ten minutes
     * @param deadRetention how long an answer is kept that nobody took
     */
    public record Terms(int attempts, Duration backoff, Duration deadRetention) {}

    /**
     * Where an answer is to be posted to.
     *
     * @param id the job
     * @param tenant whose job it is; empty where there are no tenants
     * @param host with its port
     */
    public record Address(String id, String tenant, String host) {
        static Address of(String id, String url) {
            URI uri = URI.create(url);
            int port = uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
            return new Address(id, JobIds.tenant(id), uri.getHost().toLowerCase(Locale.ROOT) + ":" + port);
        }
    }

    /**
     * One posting of an answer.
     *
     * @param id the job
     * @param url where to
     * @param body the job's report
     * @param messageId tells the receiver that two postings are of the same answer
     * @param timestamp seconds since 1970
     * @param attempt 1 for the first
     */
    public record Posting(
            String id, String url, String body, String messageId, long timestamp, String signature, int attempt) {}

    /** An answer that its receiver did not take. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Undelivered(
            @JsonProperty("request_id") String requestId,
            @JsonProperty("host") String host,
            @JsonProperty("attempts") int attempts,
            @JsonProperty("reason") String reason,
            @JsonProperty("died_ms") long diedMs) {}

    /**
     * @param reports looks at a job; throws a {@link Refusal} when it is gone
     * @param secret signs what is posted; null when nothing is
     */
    public Callbacks(
            CallbackLedger due,
            Ledger ledger,
            Function<String, JobReport> reports,
            ObjectMapper mapper,
            Secret secret,
            MeterRegistry registry,
            Clock clock,
            Terms terms) {
        this.due = due;
        this.ledger = ledger;
        this.reports = reports;
        this.mapper = mapper;
        this.signature = secret == null ? null : new WebhookSignature(secret);
        this.registry = registry;
        this.clock = clock;
        this.terms = terms;
        this.pause = new GrowingPause(terms.backoff(), LONGEST_PAUSE);
        List.of("delivered", "failed", "dead").forEach(this::counter); // so that the first is an increase
        gauge(
                "flux.callbacks.expected",
                "Answers that are to be posted when their jobs have ended, or again",
                due::expected);
        gauge("flux.callbacks.dead", "Answers that nobody took and that are kept for operators", due::buried);
    }

    private void gauge(String name, String description, LongSupplier count) {
        Gauge.builder(name, () -> {
                    try {
                        return count.getAsLong();
                    } catch (DataAccessException e) {
                        return Double.NaN; // Redis is away, which /health and flux_redis_up say
                    }
                })
                .description(description)
                .register(registry);
    }

    /** From here on the job's answer is to be posted, whatever becomes of this process. */
    public void expect(JobRequest request) {
        due.expect(request.requestId(), LOOK);
    }

    /** A job has ended whose answer is to be posted. */
    public void ended(String id) {
        due.hasten(id);
    }

    /** The jobs to look at now; they are this process's for the time of one attempt. */
    public List<String> due() {
        List<String> all = new ArrayList<>();
        List<String> page;
        do {
            page = due.due(ATTEMPT, PAGE);
            all.addAll(page);
        } while (page.size() == PAGE && all.size() < PAGE * MAX_PAGES);
        return all;
    }

    /** Where the job's answer is to be posted to; null when there is no such job any more. */
    public Address address(String id) throws JsonProcessingException {
        String request = ledger.request(id);
        if (request == null) {
            due.settle(id);
            return null;
        }
        return Address.of(id, mapper.readValue(request, JobRequest.class).callbackUrl());
    }

    /** What is to be posted now; null when the job has not ended, or there is none any more. */
    public Posting prepare(String id) throws JsonProcessingException {
        String request = ledger.request(id);
        JobReport report = request == null ? null : report(id);
        if (report == null) {
            // Refused a place in the queue, or older than its results are kept.
            due.settle(id);
            return null;
        }
        if (report.state().equals("queued") || report.state().equals("running")) {
            due.postpone(id, LOOK, false);
            return null;
        }
        String body = mapper.writeValueAsString(report);
        String messageId = JobIds.requestId(id);
        long timestamp = clock.millis() / 1000;
        return new Posting(
                id,
                mapper.readValue(request, JobRequest.class).callbackUrl(),
                body,
                messageId,
                timestamp,
                signature.sign(messageId, timestamp, body),
                due.attempts(id) + 1);
    }

    private JobReport report(String id) {
        try {
            return reports.apply(id);
        } catch (Refusal e) {
            return null;
        }
    }

    /** The receiver has answered. */
    public void answered(Posting posting, int status) throws JsonProcessingException {
        if (status / 100 == 2) {
            due.settle(posting.id());
            count("delivered");
        } else if (status == GONE) {
            giveUp(posting, "it answered 410: the address is not wanted any more");
        } else {
            again(posting, "it answered " + status);
        }
    }

    /** The receiver was not reached. */
    public void failed(Posting posting, Throwable failure) throws JsonProcessingException {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CallbackTargets.PrivateAddressException) {
                giveUp(posting, cause.getMessage());
                return;
            }
        }
        again(posting, failure.toString());
    }

    private void again(Posting posting, String reason) throws JsonProcessingException {
        if (posting.attempt() >= terms.attempts()) {
            giveUp(posting, reason);
            return;
        }
        try (var unused = JobLog.about(posting.id())) {
            LOG.warn("the answer was not taken by {} the {}. time: {}", host(posting), posting.attempt(), reason);
        }
        due.postpone(posting.id(), pause.after(posting.attempt() - 1), true);
        count("failed");
    }

    private void giveUp(Posting posting, String reason) throws JsonProcessingException {
        try (var unused = JobLog.about(posting.id())) {
            LOG.error(
                    "the answer was not taken by {}, {} times posted, and is a dead letter: {}",
                    host(posting),
                    posting.attempt(),
                    reason);
        }
        ledger.keep(posting.id(), terms.deadRetention());
        due.bury(
                posting.id(),
                mapper.writeValueAsString(
                        new Undelivered(posting.id(), host(posting), posting.attempt(), reason, clock.millis())));
        count("dead");
    }

    /** Of an address the path may be a secret. */
    private static String host(Posting posting) {
        return URI.create(posting.url()).getHost();
    }

    private void count(String outcome) {
        counter(outcome).increment();
    }

    private Counter counter(String outcome) {
        return Counter.builder("flux.callbacks")
                .description("Postings of answers: delivered, failed (and tried again later) and dead (given up)")
                .tag("outcome", outcome)
                .register(registry);
    }

    /** Answers that nobody took, the newest first. */
    public List<Undelivered> dead() throws JsonProcessingException {
        List<Undelivered> dead = new ArrayList<>();
        for (Map.Entry<String, String> letter : due.dead().entrySet()) {
            if (ledger.request(letter.getKey()) == null) {
                due.unbury(letter.getKey());
            } else {
                dead.add(mapper.readValue(letter.getValue(), Undelivered.class));
            }
        }
        dead.sort(Comparator.comparing(Undelivered::diedMs).reversed());
        return dead;
    }

    /**
     * Posts an answer again that nobody took.
     *
     * @throws Refusal {@code not_found}
     */
    public void replay(String id) {
        requireDead(id);
        due.expect(id, Duration.ZERO);
    }

    /**
     * Forgets an answer that nobody took.
     *
     * @throws Refusal {@code not_found}
     */
    public void drop(String id) {
        requireDead(id);
    }

    private void requireDead(String id) {
        if (!due.unbury(id)) {
            throw new Refusal(Event.Error.answer(
                    id, "not_found", "there is no callback of " + Excerpt.of(id) + " that was given up", "request_id"));
        }
    }
}
