package io.flux.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.ChatMessage;
import io.flux.job.JobRequest;
import io.flux.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * A job as a request of OpenAI's chat completions API, or of the older completions API when its prompt is raw.
 *
 * <p>What is not OpenAI's ({@code top_k}, {@code min_p}) is there only when the client named it: vLLM and llama-server
 * take it, OpenAI refuses it.
 */
final class OpenAiRequest {
    /** The most that OpenAI takes. {@link EngineStream} keeps to all of them anyway. */
    private static final int STOPS = 4;

    private static final String ASSISTANT = "assistant";

    private final ObjectMapper mapper;
    private final ModelSpec.Upstream upstream;

    OpenAiRequest(ObjectMapper mapper, ModelSpec.Upstream upstream) {
        this.mapper = mapper;
        this.upstream = upstream;
    }

    /**
     * The request's body; null when earlier attempts have used up the job's tokens. Theirs cannot be counted without the
     * server's tokenizer: each event held one at least.
     */
    byte[] body(EngineJob job) throws JsonProcessingException {
        JobRequest request = job.request();
        int left = request.maxTokens() - job.soFar().events();
        if (left <= 0) {
            return null;
        }
        ObjectNode body = mapper.createObjectNode();
        body.put("model", upstream.model());
        if (request.raw()) {
            body.put("prompt", request.prompt() + job.soFar().text());
        } else {
            putTurns(body, job);
        }
        body.put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        body.put("max_tokens", left);
        put(body, request);
        return mapper.writeValueAsBytes(body);
    }

    private void putTurns(ObjectNode body, EngineJob job) {
        ArrayNode messages = body.putArray("messages");
        for (ChatMessage turn : turns(job)) {
            messages.addObject().put("role", turn.role()).put("content", turn.content());
        }
        if (goesOn(job) && upstream.continuation() == ModelSpec.Continuation.FINAL_MESSAGE) {
            body.put("add_generation_prompt", false);
            body.put("continue_final_message", true);
        }
    }

    /** The conversation; a text that an earlier attempt has shown is its last, the assistant's, turn. */
    private List<ChatMessage> turns(EngineJob job) {
        List<ChatMessage> turns = new ArrayList<>(job.request().turns());
        if (!goesOn(job)) {
            return turns;
        }
        String text = job.soFar().text();
        ChatMessage last = turns.get(turns.size() - 1);
        if (last.role().equals(ASSISTANT) && upstream.continuation() == ModelSpec.Continuation.PREFILL) {
            // The first attempt went on after the client's own beginning, and a second assistant's turn is not taken.
            turns.remove(turns.size() - 1);
            text = last.content() + text;
        }
        turns.add(new ChatMessage(ASSISTANT, text));
        return turns;
    }

    private static boolean goesOn(EngineJob job) {
        return !job.soFar().text().isEmpty();
    }

    private static void put(ObjectNode body, JobRequest request) {
        if (request.temperature() != null) {
            body.put("temperature", request.temperature());
        }
        if (request.topP() != null) {
            body.put("top_p", request.topP());
        }
        if (request.topK() != null) {
            body.put("top_k", request.topK());
        }
        if (request.minP() != null) {
            body.put("min_p", request.minP());
        }
        if (request.seed() != null) {
            body.put("seed", request.seed());
        }
        if (!request.stop().isEmpty()) {
            ArrayNode stops = body.putArray("stop");
            request.stop().stream().limit(STOPS).forEach(stops::add);
        }
        if (request.jsonSchema() != null) {
            ObjectNode schema =
                    body.putObject("response_format").put("type", "json_schema").putObject("json_schema");
            schema.put("name", "answer");
            schema.set("schema", request.jsonSchema());
            schema.put("strict", true);
        }
    }
}
