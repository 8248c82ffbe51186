package io.flux.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.gateway.Rendition;
import io.flux.job.ClientMessage;
import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.MessageReader;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import java.math.BigInteger;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Requests of OpenAI's API in Flux's words. Fields that both have go on as they are, and {@link MessageReader} looks at
 * them; what is refused is refused under the name that the client gave it. Thread-safe.
 */
public final class Requests {
    /** Those that mean the same, Flux's own among them. */
    private static final List<String> SAME = List.of(
            "model",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "stop",
            "response_format",
            "grammar",
            "timeout_ms",
            "priority");

    private static final String MAX_TOKENS = "max_tokens";
    private static final String MAX_COMPLETION_TOKENS = "max_completion_tokens";
    private static final String STREAM_OPTIONS = "stream_options";
    private static final String CONTENT = "content";
    private static final String ASSISTANT = "assistant";

    /** Flux's seeds are 32 bits wide. */
    private static final BigInteger SEEDS = BigInteger.ONE.shiftLeft(32);

    private final MessageReader messages;
    private final ObjectMapper mapper;
    private final Clock clock;
    private final LongSupplier maxTokens;

    /** @param maxTokens the largest max_tokens that a model takes now */
    public Requests(MessageReader messages, ObjectMapper mapper, Clock clock, LongSupplier maxTokens) {
        this.messages = messages;
        this.mapper = mapper;
        this.clock = clock;
        this.maxTokens = maxTokens;
    }

    /** Makes what clients are shown whose request is not understood yet: an error. */
    public Supplier<Rendition> unread() {
        return () -> new Whole(mapper, Endpoint.CHAT, FieldNames.SAME, 0);
    }

    /**
     * Reads a request to {@code /v1/chat/completions}.
     *
     * @param body bytes of UTF-8
     * @param key the client's id for the request; null for none
     * @param tenant who asks; empty where there are no tenants
     * @throws Refusal when it breaks a rule, naming OpenAI's field
     */
    public Question chat(Object body, String key, String tenant) {
        ObjectNode asked = messages.object(body);
        Unsupported.refuse(asked);
        ObjectNode request = common(asked);
        if (!asked.hasNonNull("messages")) {
            throw Unsupported.refusal("messages", "messages is required");
        }
        request.set("messages", turns(asked.get("messages")));
        return question(Endpoint.CHAT, asked, request, key, tenant);
    }

    /** Reads a request to {@code /v1/completions}, as {@link #chat} does. */
    public Question completion(Object body, String key, String tenant) {
        ObjectNode asked = messages.object(body);
        Unsupported.refuse(asked);
        ObjectNode request = common(asked);
        request.set("prompt", prompt(asked.path("prompt")));
        request.put("raw", true);
        return question(Endpoint.COMPLETION, asked, request, key, tenant);
    }

    private ObjectNode common(ObjectNode asked) {
        ObjectNode request = JsonNodeFactory.instance.objectNode();
        for (String field : SAME) {
            if (asked.hasNonNull(field)) {
                request.set(field, asked.get(field));
            }
        }
        if (asked.hasNonNull(MAX_TOKENS) && asked.hasNonNull(MAX_COMPLETION_TOKENS)) {
            requireCount(asked, MAX_TOKENS);
            requireCount(asked, MAX_COMPLETION_TOKENS);
        }
        if (asked.hasNonNull(maxTokens(asked))) {
            request.set(MAX_TOKENS, asked.get(maxTokens(asked)));
        }
        if (asked.hasNonNull("seed")) {
            request.set("seed", seed(asked.get("seed")));
        }
        return request;
    }

    /** The older name, or the one that took its place; of both, the one with the smaller bound: it is the one that holds. */
    private static String maxTokens(ObjectNode asked) {
        boolean both = asked.hasNonNull(MAX_TOKENS) && asked.hasNonNull(MAX_COMPLETION_TOKENS);
        boolean older = both
                ? asked.get(MAX_TOKENS).doubleValue()
                        < asked.get(MAX_COMPLETION_TOKENS).doubleValue()
                : asked.hasNonNull(MAX_TOKENS);
        return older ? MAX_TOKENS : MAX_COMPLETION_TOKENS;
    }

    /** One of the two is not passed on, and so is looked at here. */
    private void requireCount(ObjectNode asked, String field) {
        double count = asked.get(field).isNumber() ? asked.get(field).doubleValue() : 0;
        long most = maxTokens.getAsLong();
        if (count < 1 || count > most || count != Math.rint(count)) {
            throw Unsupported.refusal(field, field + " must be an integer between 1 and " + most);
        }
    }

    /** OpenAI's are 64 bits wide, and signed: the lower 32 bits. */
    private static JsonNode seed(JsonNode asked) {
        return asked.isIntegralNumber()
                ? JsonNodeFactory.instance.numberNode(
                        asked.bigIntegerValue().mod(SEEDS).longValue())
                : asked;
    }

    private static JsonNode prompt(JsonNode asked) {
        JsonNode prompt = asked.isArray() && asked.size() == 1 ? asked.get(0) : asked;
        if (asked.isMissingNode() || asked.isNull()) {
            throw Unsupported.refusal("prompt", "prompt is required");
        }
        if (!prompt.isTextual()) {
            throw Unsupported.refusal("prompt", "prompt must be one string: neither several nor tokens are supported");
        }
        return prompt;
    }

    /** The conversation in Flux's roles, each content one text. What is none of it is left for others to refuse. */
    private static JsonNode turns(JsonNode asked) {
        if (!asked.isArray()) {
            return asked;
        }
        ArrayNode turns = JsonNodeFactory.instance.arrayNode();
        for (JsonNode item : asked) {
            String at = "messages[" + turns.size() + "]";
            if (!item.isObject()) {
                turns.add(item);
                continue;
            }
            for (String call : List.of("tool_calls", "function_call", "audio")) {
                if (item.hasNonNull(call)
                        && !(item.get(call).isArray() && item.get(call).isEmpty())) {
                    throw Unsupported.refusal(at + "." + call, at + "." + call + " is not supported");
                }
            }
            ObjectNode turn = turns.addObject();
            JsonNode role = role(item.path("role"), at);
            turn.set("role", role);
            turn.set(CONTENT, content(item.path(CONTENT), role.asText().equals(ASSISTANT), at));
        }
        return turns;
    }

    private static JsonNode role(JsonNode role, String at) {
        return switch (role.asText()) {
            case "developer" -> JsonNodeFactory.instance.textNode("system");
            case "system", "user", ASSISTANT -> role;
            default ->
                throw Unsupported.refusal(at + ".role", at + ".role must be one of system, developer, user, assistant");
        };
    }

    /**
     * The text of a turn.
     *
     * @param answer whether the turn is an assistant's. Clients send back what they got: a turn without content, or with the
     *     words of a refusal in its place, is empty
     */
    private static JsonNode content(JsonNode content, boolean answer, String at) {
        if (answer && (content.isNull() || content.isMissingNode())) {
            return JsonNodeFactory.instance.textNode("");
        }
        if (!content.isArray()) {
            return content;
        }
        StringBuilder text = new StringBuilder();
        int number = 0;
        for (JsonNode part : content) {
            String field = at + ".content[" + number + "]";
            if (answer && part.path("type").asText().equals("refusal")) {
                number++;
                continue;
            }
            if (!part.path("type").asText().equals("text")) {
                throw Unsupported.refusal(field + ".type", field + ".type must be text: nothing else is supported");
            }
            if (!part.path("text").isTextual()) {
                throw Unsupported.refusal(field + ".text", field + ".text must be a string");
            }
            text.append(text.isEmpty() ? "" : "\n").append(part.path("text").textValue());
            number++;
        }
        return JsonNodeFactory.instance.textNode(text.toString());
    }

    private Question question(Endpoint endpoint, ObjectNode asked, ObjectNode request, String key, String tenant) {
        FieldNames names = names(endpoint, asked);
        boolean stream = flag(asked.path("stream"), "stream");
        boolean usage = usage(asked.path(STREAM_OPTIONS), stream);
        try {
            JobRequest job = messages.request(request, key, tenant, OnDisconnect.CANCEL);
            return new Question(new ClientMessage.Generate(job), () -> answer(endpoint, names, stream, usage));
        } catch (Refusal refusal) {
            throw renamed(refusal.event(), names);
        }
    }

    private Rendition answer(Endpoint endpoint, FieldNames names, boolean stream, boolean usage) {
        long now = clock.instant().getEpochSecond();
        return stream ? new Chunks(mapper, endpoint, names, usage, now) : new Whole(mapper, endpoint, names, now);
    }

    private static FieldNames names(Endpoint endpoint, ObjectNode asked) {
        Map<String, String> names = new HashMap<>();
        names.put(MAX_TOKENS, maxTokens(asked));
        names.put("json_schema", "response_format");
        names.put("request_id", "Idempotency-Key");
        names.put(endpoint == Endpoint.CHAT ? "prompt" : "raw", endpoint == Endpoint.CHAT ? "messages" : "prompt");
        return new FieldNames(names);
    }

    private static boolean usage(JsonNode options, boolean stream) {
        if (options.isMissingNode() || options.isNull()) {
            return false;
        }
        if (!options.isObject()) {
            throw Unsupported.refusal(STREAM_OPTIONS, "stream_options must be an object");
        }
        boolean usage = flag(options.path("include_usage"), "stream_options.include_usage");
        if (usage && !stream) {
            throw Unsupported.refusal(STREAM_OPTIONS, "stream_options.include_usage goes with stream only");
        }
        return usage;
    }

    private static boolean flag(JsonNode value, String field) {
        if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
            throw Unsupported.refusal(field, field + " must be true or false");
        }
        return value.booleanValue();
    }

    private static Refusal renamed(Event.Error event, FieldNames names) {
        return new Refusal(Event.Error.answer(
                event.requestId(),
                event.code(),
                names.sentence(event.field(), event.error()),
                names.of(event.field())));
    }
}
