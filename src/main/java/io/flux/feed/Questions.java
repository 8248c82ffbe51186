package io.flux.feed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.Event;
import io.flux.job.MessageReader;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.text.Utf8;
import java.time.Duration;
import org.springframework.boot.convert.DurationStyle;

/**
 * What a route asks, as a message that {@link MessageReader} reads: the one validation of all doors. What the
 * message leaves out is filled in from settings; what it says goes first. Thread-safe.
 */
public final class Questions {
    private static final String REQUEST_ID = "request_id";
    private static final String ON_DISCONNECT = "on_disconnect";

    private final MessageReader messages;
    private final ObjectMapper mapper;

    public Questions(MessageReader messages, ObjectMapper mapper) {
        this.messages = messages;
        this.mapper = mapper;
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
     * @param body a prompt, or a request's JSON, in UTF-8, with or without a byte order mark; null counts as empty
     * @param input {@code auto}, {@code prompt} or {@code request}
     * @param requestId of a request that names none; null or empty to have one made
     * @throws Refusal when it is too large, no JSON object, or not one to generate
     */
    public ObjectNode message(byte[] body, String input, String requestId) {
        String text = text(body == null ? new byte[0] : body);
        // Also a prompt: it is bound by what a message may have.
        ObjectNode message = messages.object(
                isRequest(text, Input.named(input))
                        ? text
                        : mapper.createObjectNode().put("prompt", text).toString());
        JsonNode type = message.path("type");
        if (!type.isMissingNode() && !type.isNull() && !type.asText().equals("generate")) {
            throw invalid("type", "type must be generate");
        }
        put(message, REQUEST_ID, requestId);
        return message.put(ON_DISCONNECT, OnDisconnect.FINISH.wireName());
    }

    private static String text(byte[] body) {
        try {
            return Utf8.decode(body);
        } catch (Utf8.NotUtf8Exception e) {
            throw invalid(null, "the message is not text in UTF-8: " + e.getMessage());
        }
    }

    private static Refusal invalid(String field, String rule) {
        return new Refusal(Event.Error.answer(null, "invalid_request", rule, field));
    }

    private static boolean isRequest(String text, Input input) {
        return input == Input.REQUEST
                || input == Input.AUTO && text.stripLeading().startsWith("{");
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
    public ObjectNode complete(
            ObjectNode message, String model, int maxTokens, String temperature, String timeout, String priority) {
        ObjectNode complete = message.deepCopy();
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
        return complete;
    }

    private static void put(ObjectNode message, String field, String value) {
        if (value != null && !value.isBlank() && !message.hasNonNull(field)) {
            message.put(field, value);
        }
    }
}
