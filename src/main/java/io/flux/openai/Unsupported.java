package io.flux.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.Refusal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The fields of OpenAI's that would change the answer, and that no engine of Flux's keeps to: refused, unless their value
 * changes nothing. All other unknown fields are ignored.
 */
final class Unsupported {
    private static final Predicate<JsonNode> NEVER = value -> false;
    private static final Predicate<JsonNode> OFF = value -> value.isBoolean() && !value.booleanValue();
    private static final Predicate<JsonNode> ZERO = value -> value.isNumber() && value.doubleValue() == 0;
    private static final Predicate<JsonNode> ONE = value -> value.isNumber() && value.doubleValue() == 1;
    private static final Predicate<JsonNode> EMPTY = value -> value.isContainerNode() && value.isEmpty();

    private static final Map<String, Predicate<JsonNode>> HARMLESS = new LinkedHashMap<>();

    static {
        HARMLESS.put("n", ONE);
        HARMLESS.put("best_of", ONE);
        HARMLESS.put("tools", EMPTY);
        HARMLESS.put("tool_choice", oneOf("none", "auto"));
        HARMLESS.put("functions", EMPTY);
        HARMLESS.put("function_call", oneOf("none", "auto"));
        HARMLESS.put("logprobs", OFF);
        HARMLESS.put("top_logprobs", ZERO);
        HARMLESS.put("logit_bias", EMPTY);
        HARMLESS.put("presence_penalty", ZERO);
        HARMLESS.put("frequency_penalty", ZERO);
        HARMLESS.put("echo", OFF);
        HARMLESS.put("suffix", oneOf(""));
        HARMLESS.put("audio", NEVER);
        HARMLESS.put("modalities", Unsupported::isText);
        HARMLESS.put("web_search_options", NEVER);
        HARMLESS.put("reasoning_effort", oneOf("none"));
        HARMLESS.put("verbosity", oneOf("medium"));
    }

    private Unsupported() {}

    private static Predicate<JsonNode> oneOf(String... words) {
        return value -> value.isTextual() && List.of(words).contains(value.textValue());
    }

    private static boolean isText(JsonNode value) {
        return value.isArray() && value.size() == 1 && value.path(0).asText().equals("text");
    }

    /**
     * Lets requests pass that ask for nothing of the kind.
     *
     * @throws Refusal {@code invalid_request}, naming the field
     */
    static void refuse(ObjectNode request) {
        HARMLESS.forEach((field, harmless) -> {
            if (request.hasNonNull(field) && !harmless.test(request.get(field))) {
                throw refusal(field, field + " " + Excerpt.of(request.get(field).toString()) + " is not supported");
            }
        });
    }

    /** A refusal of a request for what it says in a field. */
    static Refusal refusal(String field, String rule) {
        return new Refusal(Event.Error.answer(null, "invalid_request", rule, field));
    }
}
