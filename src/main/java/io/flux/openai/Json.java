package io.flux.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Pieces of JSON that whole and streamed answers share. */
final class Json {
    private static final String PROMPT = "prompt_tokens";
    private static final String COMPLETION = "completion_tokens";
    private static final String ESTIMATED = "estimated";

    private Json() {}

    /** An event's frame as a tree. */
    static JsonNode read(ObjectMapper mapper, String frame) {
        try {
            return mapper.readTree(frame);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not an event: " + frame, e);
        }
    }

    /** The tokens that an answer took; JSON's null when an older worker has not said so. */
    static JsonNode usage(JsonNode counted) {
        if (!counted.has(PROMPT) || !counted.has(COMPLETION)) {
            return JsonNodeFactory.instance.nullNode();
        }
        int prompt = counted.path(PROMPT).asInt();
        int completion = counted.path(COMPLETION).asInt();
        ObjectNode usage = JsonNodeFactory.instance.objectNode();
        usage.put(PROMPT, prompt).put(COMPLETION, completion).put("total_tokens", prompt + completion);
        if (counted.path(ESTIMATED).asBoolean()) {
            usage.put(ESTIMATED, true);
        }
        return usage;
    }
}
