package io.flux.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * A job as one looks at it, while it waits, while it is written, or when it has ended.
 *
 * @param requestId as the client knows it
 * @param state {@code queued}, {@code running}, {@code done} or {@code failed}
 * @param position its place in the queue, 1 is served next; null unless it waits
 * @param etaMs ms until it is served; null when that is not known
 * @param lastSeq the last event that is counted in, for following from there; 0 for none
 * @param text the answer so far; null for operators
 * @param finishReason null unless done
 * @param error why it failed; null unless failed
 * @param record where it has been; null where only its events are known
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonPropertyOrder({"request_id", "model", "state"})
public record JobReport(
        @JsonProperty("request_id") String requestId,
        @JsonProperty("model") String model,
        @JsonProperty("state") String state,
        @JsonProperty("position") Long position,
        @JsonProperty("eta_ms") Long etaMs,
        @JsonProperty("last_seq") long lastSeq,
        @JsonProperty("text") String text,
        @JsonProperty("finish_reason") JsonNode finishReason,
        @JsonProperty("token_count") JsonNode tokenCount,
        @JsonProperty("usage") JsonNode usage,
        @JsonProperty("timings") JsonNode timings,
        @JsonProperty("error") Failure error,
        @JsonProperty("record") JobRecord record) {

    /** Why a job failed, as its last event says. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Failure(@JsonProperty("code") String code, @JsonProperty("error") String error) {}

    /** A job that waits. */
    public static JobReport waiting(String id, String model, Long position, Long etaMs) {
        return new JobReport(
                JobIds.requestId(id), model, "queued", position, etaMs, 0, "", null, null, null, null, null, null);
    }

    /** The same, with where it has been. */
    public JobReport with(JobRecord life) {
        return new JobReport(
                requestId,
                model,
                state,
                position,
                etaMs,
                lastSeq,
                text,
                finishReason,
                tokenCount,
                usage,
                timings,
                error,
                life);
    }

    /** The same as operators see it: under its whole id, and without what it says, which is its tenant's. */
    public JobReport forOperators(String id) {
        return new JobReport(
                id,
                model,
                state,
                position,
                etaMs,
                lastSeq,
                null,
                finishReason,
                tokenCount,
                usage,
                timings,
                error,
                record);
    }

    /**
     * A job that was begun.
     *
     * @param waits whether it waits for another attempt
     */
    public static JobReport of(String id, String model, boolean waits, long lastSeq, Answer answer) {
        JsonNode last = answer.last();
        boolean failed = last != null && last.path("type").asText().equals("error");
        return new JobReport(
                JobIds.requestId(id),
                model,
                last == null ? waits ? "queued" : "running" : failed ? "failed" : "done",
                null,
                null,
                lastSeq,
                answer.text(),
                last == null ? null : last.get("finish_reason"),
                last == null ? null : last.get("token_count"),
                last == null ? null : last.get("usage"),
                last == null ? null : last.get("timings"),
                failed
                        ? new Failure(
                                last.path("code").asText(), last.path("error").asText())
                        : null,
                null);
    }
}
