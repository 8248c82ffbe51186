package io.flux.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * What Flux tells a client about a job. Those with a {@code seq} are journaled: numbered 1, 2, 3 … per job, kept, and
 * replayed on resume. Durations are milliseconds; what is not known is null and left out of the JSON.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonPropertyOrder({"type", "request_id", "seq"})
public sealed interface Event {

    @JsonProperty("type")
    String type();

    @JsonProperty("request_id")
    String requestId();

    /** The same event under another id. */
    Event as(String id);

    /** The job is accepted. {@code position} is null when it does not wait any more. */
    record Ticket(String requestId, String model, Long position, @JsonProperty("eta_ms") Long etaMs) implements Event {
        @Override
        public String type() {
            return "ticket";
        }

        @Override
        public Event as(String id) {
            return new Ticket(id, model, position, etaMs);
        }
    }

    /** The job's place in the queue: 1 is served next. */
    record Position(String requestId, long position, @JsonProperty("eta_ms") Long etaMs) implements Event {
        @Override
        public String type() {
            return "position";
        }

        @Override
        public Event as(String id) {
            return new Position(id, position, etaMs);
        }
    }

    /** A worker begins. */
    record Start(String requestId, long seq, int attempt, @JsonProperty("queue_ms") long queueMs) implements Event {
        @Override
        public String type() {
            return "start";
        }

        @Override
        public Event as(String id) {
            return new Start(id, seq, attempt, queueMs);
        }
    }

    /** A piece of the answer: one or more whole characters. */
    record Token(String requestId, long seq, String content) implements Event {
        @Override
        public String type() {
            return "token";
        }

        @Override
        public Event as(String id) {
            return new Token(id, seq, content);
        }
    }

    /** Another attempt begins; {@code mode} {@code continue}: the text goes on, {@code reset}: discard it. */
    record Restart(String requestId, long seq, int attempt, String mode) implements Event {
        @Override
        public String type() {
            return "restart";
        }

        @Override
        public Event as(String id) {
            return new Restart(id, seq, attempt, mode);
        }
    }

    /**
     * The answer is whole.
     *
     * @param attempts how many attempts were begun
     * @param resumes how often an attempt went on with the text of the one before
     */
    record Complete(
            String requestId,
            long seq,
            @JsonProperty("finish_reason") String finishReason,
            @JsonProperty("token_count") Integer tokenCount,
            Usage usage,
            Integer attempts,
            Integer resumes,
            Timings timings)
            implements Event {
        @Override
        public String type() {
            return "complete";
        }

        @Override
        public Event as(String id) {
            return new Complete(id, seq, finishReason, tokenCount, usage, attempts, resumes, timings);
        }
    }

    /**
     * Tokens of the prompt and of the completion, as the engine or its tokenizer counted them.
     *
     * @param estimated true when one of them was not counted; else null
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Usage(
            @JsonProperty("prompt_tokens") Integer promptTokens,
            @JsonProperty("completion_tokens") Integer completionTokens,
            @JsonProperty("estimated") Boolean estimated) {
        /** Both were counted. */
        public Usage(Integer promptTokens, Integer completionTokens) {
            this(promptTokens, completionTokens, null);
        }
    }

    /**
     * Where the time went. What is about one attempt is about the last.
     *
     * @param queueMs from the job's creation to its first attempt
     * @param requeueMs how long it waited for attempts after the first; null when there were none
     * @param loadMs what the engine took to load the model, in its own words
     * @param promptEvalMs what it took to evaluate the prompt, in its own words
     * @param ttftMs from the start of the attempt to its first text
     * @param evalMs what the engine took to generate, in its own words
     * @param totalMs from the start of the first attempt to the end
     * @param tokensPerSecond completion tokens after the first, over {@code evalMs}; without it over the time from the first
     *     text to the last
     * @param overhead what of it was Flux's own
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Timings(
            @JsonProperty("queue_ms") Long queueMs,
            @JsonProperty("requeue_ms") Long requeueMs,
            @JsonProperty("load_ms") Double loadMs,
            @JsonProperty("prompt_eval_ms") Double promptEvalMs,
            @JsonProperty("ttft_ms") Long ttftMs,
            @JsonProperty("eval_ms") Double evalMs,
            @JsonProperty("total_ms") Long totalMs,
            @JsonProperty("tokens_per_second") Double tokensPerSecond,
            @JsonProperty("overhead") Overhead overhead) {}

    /**
     * The time that Flux took for itself, in the last attempt.
     *
     * @param dispatchMs from the worker's ticket to the start of the engine, or to the request to its server
     * @param relayMs from when a text was read from the engine to when it was in the journal, the sum over all texts
     * @param texts how many texts there were
     * @param relayMeanMs the mean for one of them; null when there were none
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Overhead(
            @JsonProperty("dispatch_ms") Double dispatchMs,
            @JsonProperty("relay_ms") Double relayMs,
            @JsonProperty("texts") int texts,
            @JsonProperty("relay_mean_ms") Double relayMeanMs) {}

    /**
     * With a {@code seq} the end of a job, without one the answer to a message.
     *
     * @param attempts how many attempts were begun; null unless it ends a job that was begun
     * @param timings where the time of the job went; null unless a worker ended it
     */
    record Error(
            String requestId,
            Long seq,
            String code,
            String error,
            String field,
            @JsonProperty("retry_after_ms") Long retryAfterMs,
            Integer attempts,
            Timings timings)
            implements Event {
        /** One that says nothing of attempts. */
        public Error(String requestId, Long seq, String code, String error, String field, Long retryAfterMs) {
            this(requestId, seq, code, error, field, retryAfterMs, null, null);
        }

        @Override
        public String type() {
            return "error";
        }

        @Override
        public Event as(String id) {
            return new Error(id, seq, code, error, field, retryAfterMs, attempts, timings);
        }

        /** An error that answers a message and ends no job. */
        public static Error answer(String requestId, String code, String error, String field) {
            return new Error(requestId, null, code, error, field, null);
        }
    }
}
