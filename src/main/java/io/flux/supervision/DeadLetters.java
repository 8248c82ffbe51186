package io.flux.supervision;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.FailureReport;
import io.flux.job.JobIds;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.job.TraceContext;
import io.flux.ledger.Created;
import io.flux.ledger.DeadLetter;
import io.flux.ledger.Ledger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** What operators do with dead letters: look, try again, drop. Thread-safe; blocks for round trips to Redis. */
public final class DeadLetters {
    private static final int LISTED = 1000;
    private static final int LONGEST_ID = 128;
    private static final String REPLAY = ".replay";

    private final Ledger ledger;
    private final ObjectMapper mapper;
    private final Supplier<? extends Collection<String>> models;

    /**
     * A dead letter as operators see it.
     *
     * @param request what was asked; null in a list
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Report(
            @JsonProperty("request_id") String requestId,
            @JsonProperty("model") String model,
            @JsonProperty("created_ms") long createdMs,
            @JsonProperty("failure") FailureReport failure,
            @JsonProperty("request") JobRequest request) {}

    /** A dead letter that was put into the queue again, under a new id. */
    public record Replayed(@JsonProperty("request_id") String requestId, @JsonProperty("replays") String replays) {}

    /**
     * @param models the names of all models that there is a queue of
     */
    public DeadLetters(Ledger ledger, ObjectMapper mapper, Supplier<? extends Collection<String>> models) {
        this.ledger = ledger;
        this.mapper = mapper;
        this.models = models;
    }

    /** The newest dead letters, the newest first; at most 1000. */
    public List<Report> list() throws JsonProcessingException {
        List<Report> reports = new ArrayList<>();
        for (String model : models.get()) {
            for (DeadLetter letter : ledger.dead(model, LISTED)) {
                reports.add(report(letter, null));
            }
        }
        reports.sort(Comparator.comparing((Report report) -> report.failure().diedMs())
                .reversed());
        return reports.subList(0, Math.min(LISTED, reports.size()));
    }

    /**
     * One dead letter, with its request.
     *
     * @throws Refusal {@code not_found}
     */
    public Report show(String id) throws JsonProcessingException {
        DeadLetter letter = find(id);
        return report(letter, request(letter));
    }

    private Report report(DeadLetter letter, JobRequest request) throws JsonProcessingException {
        return new Report(
                letter.id(),
                letter.model(),
                letter.createdMs(),
                mapper.readValue(letter.failure(), FailureReport.class),
                request);
    }

    private DeadLetter find(String id) {
        DeadLetter letter = ledger.deadLetter(id);
        if (letter == null) {
            throw new Refusal(
                    Event.Error.answer(id, "not_found", "there is no dead letter " + Excerpt.of(id), "request_id"));
        }
        return letter;
    }

    private JobRequest request(DeadLetter letter) throws JsonProcessingException {
        return mapper.readValue(letter.request(), JobRequest.class);
    }

    /**
     * The request that tries a dead letter again. Its id is always the same one for a dead letter, so that a replay that
     * was interrupted may be repeated; and nobody needs to follow it for it to run. It is the same tenant's, and as urgent.
     *
     * @throws Refusal {@code not_found}
     */
    public JobRequest replay(String id) throws JsonProcessingException {
        JobRequest request = request(find(id));
        String again = JobIds.requestId(id) + REPLAY;
        if (again.length() > LONGEST_ID) {
            again = UUID.nameUUIDFromBytes(id.getBytes(StandardCharsets.UTF_8)) + REPLAY;
        }
        return request.as(JobIds.of(again, JobIds.tenant(id)), OnDisconnect.FINISH);
    }

    /** The trace that the job belongs to that died; null for none. */
    public TraceContext trace(String id) {
        return ledger.trace(id);
    }

    /** On whose behalf it is submitted: nobody's, so that no tenant's limits refuse what an operator wants. */
    public Caller replayer() {
        return Caller.ANYBODY;
    }

    /**
     * The replay is in the queue: the dead letter leaves its list. The job that died can be read until it expires.
     *
     * @param created what the submission of the replay found
     * @throws Refusal {@code conflict} when it was replayed before
     */
    public Replayed replayed(String id, JobRequest request, Created created) {
        ledger.unbury(id, find(id).model());
        if (created == Created.EXISTS) {
            throw new Refusal(Event.Error.answer(
                    id,
                    "conflict",
                    "dead letter " + id + " was replayed before, as " + request.requestId(),
                    "request_id"));
        }
        return new Replayed(request.requestId(), id);
    }

    /**
     * Deletes a dead letter and its job.
     *
     * @throws Refusal {@code not_found}
     */
    public void drop(String id) {
        DeadLetter letter = find(id);
        ledger.unbury(id, letter.model());
        ledger.delete(id);
    }
}
