package io.flux.job;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;

/**
 * A valid request for a completion, normalised: unknown fields are gone, and a model's defaults are filled in before it
 * becomes a job. Its JSON is what the job keeps in Redis, and two requests under one id are the same job exactly when
 * their JSON is equal.
 *
 * @param requestId the job's id, the client's idempotency key; kept outside the JSON
 * @param model the model's name; null until it is chosen
 * @param prompt one user turn; null when {@code messages} are given
 * @param messages the conversation; null when {@code prompt} is given
 * @param maxTokens the most tokens to generate, at least 1; null until the model's default is filled in
 * @param temperature null: the engine's default
 * @param topP null: the engine's default
 * @param topK null: the engine's default
 * @param minP null: the engine's default
 * @param seed null: random
 * @param stop texts that end the answer; not part of it
 * @param jsonSchema the JSON schema that the answer keeps to; null for none
 * @param grammar the GBNF grammar that the answer keeps to; null for none, and always null beside a schema
 * @param timeoutMs ms from the ticket until the job is given up; null: never
 * @param onDisconnect what happens when nobody follows the job any more
 * @param priority which of its tenant's jobs go first
 * @param callbackUrl where the answer is to be posted; null for nowhere
 * @param raw whether the engine gets the prompt as it is, without a chat template; never beside {@code messages}
 * @param trace the trace that the request says it belongs to; null when it does not; kept outside the JSON
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record JobRequest(
        @JsonIgnore String requestId,
        @JsonProperty("model") String model,
        @JsonProperty("prompt") String prompt,
        @JsonProperty("messages") List<ChatMessage> messages,
        @JsonProperty("max_tokens") Integer maxTokens,
        @JsonProperty("temperature") Double temperature,
        @JsonProperty("top_p") Double topP,
        @JsonProperty("top_k") Integer topK,
        @JsonProperty("min_p") Double minP,
        @JsonProperty("seed") Long seed,
        @JsonProperty("stop") List<String> stop,
        @JsonProperty("json_schema") @JsonInclude(JsonInclude.Include.NON_NULL) JsonNode jsonSchema,
        @JsonProperty("grammar") String grammar,
        @JsonProperty("timeout_ms") Long timeoutMs,
        @JsonProperty("on_disconnect") OnDisconnect onDisconnect,
        @JsonProperty("priority") Priority priority,
        @JsonProperty("callback_url") String callbackUrl,
        @JsonProperty("raw") @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean raw,
        @JsonIgnore TraceContext trace) {

    public JobRequest {
        stop = stop == null ? List.of() : List.copyOf(stop);
        messages = messages == null ? null : List.copyOf(messages);
        onDisconnect = onDisconnect == null ? OnDisconnect.GRACE : onDisconnect;
        priority = priority == null ? Priority.NORMAL : priority;
    }

    /** A request that says nothing of a trace. */
    public JobRequest(
            String requestId,
            String model,
            String prompt,
            List<ChatMessage> messages,
            Integer maxTokens,
            Double temperature,
            Double topP,
            Integer topK,
            Double minP,
            Long seed,
            List<String> stop,
            JsonNode jsonSchema,
            String grammar,
            Long timeoutMs,
            OnDisconnect onDisconnect,
            Priority priority,
            String callbackUrl,
            boolean raw) {
        this(
                requestId,
                model,
                prompt,
                messages,
                maxTokens,
                temperature,
                topP,
                topK,
                minP,
                seed,
                stop,
                jsonSchema,
                grammar,
                timeoutMs,
                onDisconnect,
                priority,
                callbackUrl,
                raw,
                null);
    }

    /** The same request as another job. */
    public JobRequest as(String otherId, OnDisconnect whenAbandoned) {
        return new JobRequest(
                otherId,
                model,
                prompt,
                messages,
                maxTokens,
                temperature,
                topP,
                topK,
                minP,
                seed,
                stop,
                jsonSchema,
                grammar,
                timeoutMs,
                whenAbandoned,
                priority,
                callbackUrl,
                raw,
                trace);
    }

    /** The same request with its id, which its JSON does not hold. */
    public JobRequest withId(String id) {
        return as(id, onDisconnect);
    }

    /** The conversation; a bare {@code prompt} is one user turn. */
    @JsonIgnore
    public List<ChatMessage> turns() {
        return prompt == null ? messages : List.of(new ChatMessage("user", prompt));
    }

    /**
     * Whether the answer keeps to a schema or a grammar. Such an answer cannot be continued by another engine, which would
     * begin the grammar anew in the middle of the text.
     */
    @JsonIgnore
    public boolean isConstrained() {
        return jsonSchema != null || grammar != null;
    }

    /** {@link #timeoutMs} as a duration; null for never. */
    @JsonIgnore
    public Duration timeout() {
        return timeoutMs == null ? null : Duration.ofMillis(timeoutMs);
    }
}
