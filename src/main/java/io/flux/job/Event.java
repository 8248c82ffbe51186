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

    /** The answer is whole. */
    record Complete(
            String requestId,
            long seq,
            @JsonProperty("finish_reason") String finishReason,
            @JsonProperty("token_count") Integer tokenCount,
            Usage usage,
            Timings timings)
            implements Event {
        @Override
        public String type() {
            return "complete";
        }

        @Override
        public Event as(String id) {
            return new Complete(id, seq, finishReason, tokenCount, usage, timings);
        }
    }

    /** Tokens of the prompt and of the completion, as the engine counted them. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Usage(
            @JsonProperty("prompt_tokens") Integer promptTokens,
            @JsonProperty("completion_tokens") Integer completionTokens) {}

    /**
     * Where the time went.
     *
     * @param queueMs from acceptance to the first attempt
     * @param ttftMs from the first attempt to the first text
     * @param totalMs from the first attempt to the end
     * @param tokensPerSecond completion tokens after the first, over the time from the first text to the last
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Timings(
            @JsonProperty("queue_ms") Long queueMs,
            @JsonProperty("ttft_ms") Long ttftMs,
            @JsonProperty("total_ms") Long totalMs,
            @JsonProperty("tokens_per_second") Double tokensPerSecond) {}

    /** With a {@code seq} the end of a job, without one the answer to a message. */
    record Error(
            String requestId,
            Long seq,
            String code,
            String error,
            String field,
            @JsonProperty("retry_after_ms") Long retryAfterMs)
            implements Event {
        @Override
        public String type() {
            return "error";
        }

        @Override
        public Event as(String id) {
            return new Error(id, seq, code, error, field, retryAfterMs);
        }

        /** An error that answers a message and ends no job. */
        public static Error answer(String requestId, String code, String error, String field) {
            return new Error(requestId, null, code, error, field, null);
        }
    }
}
