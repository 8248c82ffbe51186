package io.flux.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.JobIds;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.job.TraceContext;
import io.flux.ledger.Arrival;
import io.flux.ledger.Created;
import io.flux.ledger.Ledger;
import io.flux.ledger.Place;
import java.time.Duration;

/** The steps of accepting a job, called one by one by the submit route. Thread-safe; each blocks for one round trip. */
public final class Submission {
    private final Ledger ledger;
    private final ObjectMapper mapper;
    private final int queueLimit;
    private final Duration attention;

    /**
     * @param queueLimit the most jobs that may wait for one model
     * @param attention how long a new job counts as followed, until its gateway says so again
     */
    public Submission(Ledger ledger, ObjectMapper mapper, int queueLimit, Duration attention) {
        this.ledger = ledger;
        this.mapper = mapper;
        this.queueLimit = queueLimit;
        this.attention = attention;
    }

    /**
     * Writes the job under its id.
     *
     * @param trace the trace that it belongs to; null for none
     * @return {@link Created#NEW}, or {@link Created#EXISTS} when the same request came before
     * @throws Refusal {@code conflict} when another request has that id
     */
    public Created create(JobRequest request, TraceContext trace) throws JsonProcessingException {
        Created created = ledger.create(
                request.requestId(),
                request.model(),
                mapper.writeValueAsString(request),
                request.timeout(),
                request.onDisconnect().wireName(),
                request.callbackUrl() != null,
                trace);
        if (created == Created.CONFLICT) {
            throw new Refusal(Event.Error.answer(
                    request.requestId(),
                    "conflict",
                    "request_id " + JobIds.requestId(request.requestId()) + " belongs to a different request",
                    "request_id"));
        }
        return created;
    }

    /**
     * Puts the job in line, at its tenant's turns.
     *
     * @param caller says how many jobs the tenant may have
     * @return its place; null when the same request, sent twice at once, has left the queue already
     * @throws Refusal {@code overloaded} when the queue is full, {@code too_many_jobs} when the tenant has as many jobs
     *     as it may; the job is forgotten
     */
    public Place enqueue(JobRequest request, Caller caller) {
        String tenant = JobIds.tenant(request.requestId());
        Place place = ledger.enqueue(
                request.requestId(),
                request.model(),
                new Arrival(tenant, request.priority().ordinal() + 1, queueLimit, caller.jobs()),
                request.onDisconnect() == OnDisconnect.FINISH ? null : attention,
                request.timeout());
        if (!place.isRefused()) {
            return place;
        }
        if (!ledger.forget(request.requestId())) {
            return null;
        }
        throw place.isTenantsLimit()
                ? tooManyJobs(request, tenant, caller.jobs(), place.retryAfterMs())
                : overloaded(request, place.retryAfterMs());
    }

    /**
     * Makes the job Flux's to answer.
     *
     * @throws Refusal {@code overloaded} when the same request, sent twice at once, was refused meanwhile
     */
    public void accept(JobRequest request) {
        if (!ledger.accept(request.requestId())) {
            throw overloaded(request, null);
        }
    }

    private static Refusal tooManyJobs(JobRequest request, String tenant, int limit, Long retryAfterMs) {
        return new Refusal(new Event.Error(
                request.requestId(),
                null,
                "too_many_jobs",
                "tenant " + tenant + " may have " + limit + " jobs of model " + request.model()
                        + " waiting or running at once, and has them; try again when one has ended",
                null,
                retryAfterMs));
    }

    private Refusal overloaded(JobRequest request, Long retryAfterMs) {
        return new Refusal(new Event.Error(
                request.requestId(),
                null,
                "overloaded",
                queueLimit + " jobs are waiting for model " + request.model()
                        + ", and no more are taken; try again later",
                null,
                retryAfterMs));
    }
}
