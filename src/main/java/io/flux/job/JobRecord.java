package io.flux.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * Where a job has been and when, as the ledger knows it: nothing of what was asked or answered. Times are ms since 1970
 * by Redis' clock, durations ms; what is not known, or has not happened, is null.
 *
 * @param createdMs when it came
 * @param acceptedMs when it was in line for good: its ticket was sent after that
 * @param startedMs when its first attempt began
 * @param endedMs when it ended
 * @param requeueMs how long it waited for attempts after the first, {@code FLUX_BACKOFF} included
 * @param attempts how many attempts have begun
 * @param resumes how often an attempt went on with the text of the one before; null where the journal was not read
 * @param worker who has it now, or had it last
 * @param history its attempts, the oldest first; of very many the newest
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record JobRecord(
        @JsonProperty("created_ms") Long createdMs,
        @JsonProperty("accepted_ms") Long acceptedMs,
        @JsonProperty("started_ms") Long startedMs,
        @JsonProperty("ended_ms") Long endedMs,
        @JsonProperty("requeue_ms") Long requeueMs,
        @JsonProperty("attempts") int attempts,
        @JsonProperty("resumes") Integer resumes,
        @JsonProperty("worker") String worker,
        @JsonProperty("history") List<Attempt> history) {

    public JobRecord {
        history = List.copyOf(history);
    }

    /**
     * One attempt.
     *
     * @param attempt its number, 1 for the first
     * @param worker whose it was
     * @param outcome how it ended: as the job did, {@code lost} with its worker, or the code of its failure; null while it
     *     goes on
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Attempt(
            @JsonProperty("attempt") int attempt,
            @JsonProperty("worker") String worker,
            @JsonProperty("began_ms") Long beganMs,
            @JsonProperty("ended_ms") Long endedMs,
            @JsonProperty("outcome") String outcome) {}

    /** The newest attempt; null when none has begun. */
    public Attempt current() {
        return history.isEmpty() ? null : history.get(history.size() - 1);
    }

    /** The same, with what the journal says. */
    public JobRecord withResumes(int count) {
        return new JobRecord(createdMs, acceptedMs, startedMs, endedMs, requeueMs, attempts, count, worker, history);
    }
}
