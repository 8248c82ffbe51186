package io.flux.feed;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.Event;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.springframework.boot.convert.DurationStyle;

/**
 * What a route asks, as a message that {@link io.flux.job.MessageReader} reads: the one validation of all doors. What the
 * message leaves out is filled in from settings; what it says goes first. Thread-safe.
 */
public final class Questions {
    private static final String REQUEST_ID = "request_id";
    private static final String ON_DISCONNECT = "on_disconnect";

    private final ObjectMapper mapper;
    private final ObjectReader strict;

    public Questions(ObjectMapper mapper) {
        this.mapper = mapper;
        this.strict = mapper.reader()
                .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .with(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    }

    /** How a body is to be understood. */
    enum Input {
        /** As a request when its first character is a brace, else as a prompt. */
        AUTO,
        /** As a prompt, whatever it looks like. */
        PROMPT,
        /** As a request. */
        REQUEST;

        static Input named(String name) {
            for (Input input : values()) {
                if (input.name().equalsIgnoreCase(name)) {
                    return input;
                }
            }
            throw new IllegalArgumentException("input must be one of auto, prompt, request, not '" + name + "'");
        }
    }

    /**
     * The message for a body. Its job is finished also when this process ends: whoever asked asks again, under the same
     * id.
     *
     * @param body a prompt, or a request's JSON, in UTF-8; null counts as empty
     * @param input {@code auto}, {@code prompt} or {@code request}
     * @param requestId of a request that names none; null or empty to have one made
     * @return JSON; or the body itself when it is no JSON object, for the reader to say what is wrong with it
     * @throws Refusal when the request is not one to generate
     */
    public String message(byte[] body, String input, String requestId) {
        String text = text(body == null ? new byte[0] : body);
        ObjectNode message = isRequest(text, Input.named(input))
                ? object(text)
                : mapper.createObjectNode().put("prompt", text);
        if (message == null) {
            return text;
        }
        JsonNode type = message.path("type");
        if (!type.isMissingNode() && !type.isNull() && !type.asText().equals("generate")) {
            throw invalid("type", "type must be generate");
        }
        put(message, REQUEST_ID, requestId);
        message.put(ON_DISCONNECT, OnDisconnect.FINISH.wireName());
        return message.toString();
    }

    private static String text(byte[] body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw invalid(null, "the message is not valid UTF-8");
        }
    }

    private static Refusal invalid(String field, String rule) {
        return new Refusal(Event.Error.answer(null, "invalid_request", rule, field));
    }

    private static boolean isRequest(String text, Input input) {
        return input == Input.REQUEST
                || input == Input.AUTO && text.stripLeading().startsWith("{");
    }

    private ObjectNode object(String text) {
        try {
            return strict.readTree(text) instanceof ObjectNode object ? object : null;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    /**
     * The message with what it leaves out.
     *
     * @param message as {@link #message} made it
     * @param model empty: the only one, or the default
     * @param maxTokens 0: the model's default
     * @param temperature empty: the model's default
     * @param timeout as {@code 5m}; empty: none
     * @param priority empty: normal
     */
    public String complete(
            String message, String model, int maxTokens, String temperature, String timeout, String priority) {
        ObjectNode complete = object(message);
        if (complete == null) {
            return message;
        }
        put(complete, "model", model);
        if (maxTokens > 0 && !complete.hasNonNull("max_tokens")) {
            complete.put("max_tokens", maxTokens);
        }
        if (!temperature.isBlank() && !complete.hasNonNull("temperature")) {
            complete.put("temperature", Double.valueOf(temperature));
        }
        if (!timeout.isBlank() && !complete.hasNonNull("timeout_ms")) {
            Duration time = DurationStyle.detectAndParse(timeout);
            complete.put("timeout_ms", time.toMillis());
        }
        put(complete, "priority", priority);
        return complete.toString();
    }

    private static void put(ObjectNode message, String field, String value) {
        if (value != null && !value.isBlank() && !message.hasNonNull(field)) {
            message.put(field, value);
        }
    }
}
