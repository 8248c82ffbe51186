package io.flux.job;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The one validation step, for all doors: text in, a {@link ClientMessage} out, or a {@link Refusal} that names the
 * field and the rule. Unknown fields are ignored, since clients of older systems send some. Thread-safe.
 */
public final class MessageReader {
    /** Where the JSON parser's sentences stop being about the message. */
    private static final List<String> PARSER_INTERNALS = List.of(
            " (start marker",
            " (bound as",
            " (not recognized as",
            ": enable `",
            ": not allowed as per",
            ": was expecting (JSON",
            " (`");

    private static final Pattern NOT_A_NUMBER = Pattern.compile("^Non-standard token '([+-]?[A-Za-z]{1,8})'");
    /** Of what the parser says, which repeats names and words of the message. */
    private static final int MAX_PROBLEM = 200;

    /** Where it says which of its settings a bound comes from. */
    private static final Pattern FROM_A_METHOD = Pattern.compile(", from `[^`]*`");

    private static final String BYTE_ORDER_MARK = "\ufeff";

    private static final Pattern WHOLE_NUMBER = Pattern.compile("[0-9]+");
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
    /** The header of HTTP that carries a request's id. */
    private static final String KEY = "Idempotency-Key";

    private static final String RULE_OF_IDS =
            " must be 1 to 128 characters of: letters, digits, . _ : -; and not ., .. or null";
    private static final Pattern MODEL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}");
    private static final long MAX_SEED = 0xFFFF_FFFFL;
    private static final int MAX_STOPS = 16;
    private static final int MAX_STOP_LENGTH = 256;
    private static final long MAX_TIMEOUT_MS = 24L * 60 * 60 * 1000;
    /** Engines follow a schema by recursion. */
    private static final int MAX_SCHEMA_DEPTH = 100;
    /** Three times that, written in ASCII, still is an argument that Linux takes. */
    private static final int MAX_CONSTRAINT_BYTES = 32 * 1024;

    private final ObjectReader reader;
    private final int messageLimit;
    private final Supplier<String> ids;

    /**
     * @param messageLimit the largest message, bytes of UTF-8
     * @param ids makes the ids of requests that bring none
     */
    public MessageReader(ObjectMapper mapper, int messageLimit, Supplier<String> ids) {
        this.reader = mapper.reader()
                .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .with(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
        this.messageLimit = messageLimit;
        this.ids = ids;
    }

    /**
     * Reads a message.
     *
     * @param message text, or bytes of UTF-8
     * @param tenant who says so; empty where there are no tenants
     * @throws Refusal when it breaks a rule
     */
    public ClientMessage read(Object message, String tenant) {
        Fields fields = fields(message);
        String requestId = fields.requestId();
        String type = fields.text("type");
        return switch (type == null ? "generate" : type) {
            case "generate" -> new ClientMessage.Generate(generate(fields, requestId, tenant));
            case "cancel" -> new ClientMessage.Cancel(JobIds.of(fields.required("request_id", requestId), tenant));
            case "resume" -> {
                Long after = fields.integer("after", 0, Long.MAX_VALUE);
                yield new ClientMessage.Resume(
                        JobIds.of(fields.required("request_id", requestId), tenant), after == null ? 0 : after);
            }
            case "models" -> new ClientMessage.Models(requestId);
            default -> throw fields.refuse("type", "type must be one of generate, cancel, resume, models");
        };
    }

    /**
     * Reads a request where there is no other kind of message.
     *
     * @param body text, bytes of UTF-8, or what was read from them
     * @param key the request's id where the transport carries it; null, or the same, when the body says it
     * @param tenant who asks; empty where there are no tenants
     * @param whenAbandoned what becomes of the job when nobody follows it, unless the request says so
     * @throws Refusal when it breaks a rule
     */
    public JobRequest request(Object body, String key, String tenant, OnDisconnect whenAbandoned) {
        Fields fields = fields(body);
        String requestId = fields.requestId();
        if (key != null) {
            requireId(key, () -> fields.refuse(KEY, KEY + RULE_OF_IDS));
            if (requestId != null && !requestId.equals(key)) {
                throw new Refusal(Event.Error.answer(
                        requestId, "conflict", "request_id and " + KEY + " must be the same", "request_id"));
            }
        }
        JobRequest request = generate(fields, key == null ? requestId : key, tenant);
        return fields.onDisconnect() == null ? request.as(request.requestId(), whenAbandoned) : request;
    }

    /**
     * Reads a request whose client waits for the answer, as {@link #request} does.
     *
     * @throws Refusal when it breaks a rule
     */
    public ClientMessage.Generate generate(Object body, String key, String tenant) {
        return new ClientMessage.Generate(request(body, key, tenant, OnDisconnect.GRACE));
    }

    /**
     * Whether a request wants its answer piece by piece ({@code stream}).
     *
     * @throws Refusal when it breaks a rule
     */
    public boolean isStream(Object body) {
        return fields(body).flag("stream");
    }

    /**
     * A cancel of the job that a client names in an address.
     *
     * @throws Refusal {@code not_found} when no job can have that id
     */
    public ClientMessage.Cancel cancel(String requestId, String tenant) {
        return new ClientMessage.Cancel(jobId(requestId, tenant));
    }

    /**
     * Following the job that a client names in an address.
     *
     * @param lastEventId the last event that it has, as a browser says when it comes back; null, or empty, when it does not
     * @param after the same, as the address says; null when it does not
     * @throws Refusal {@code not_found} when no job can have that id; {@code invalid_request} when that is no event's number
     */
    public ClientMessage.Resume resume(String requestId, String lastEventId, String after, String tenant) {
        boolean again = lastEventId != null && !lastEventId.isEmpty();
        long seq = seq(requestId, again ? "Last-Event-ID" : "after", again ? lastEventId : after);
        return new ClientMessage.Resume(jobId(requestId, tenant), seq);
    }

    private static long seq(String requestId, String field, String value) {
        if (value == null || value.isEmpty()) {
            return 0;
        }
        if (!WHOLE_NUMBER.matcher(value).matches()) {
            throw Refusal.invalid(requestId, field, field + " must be an integer of at least 0");
        }
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE; // No job has so many events: all there are come before it.
        }
    }

    /**
     * The id of a job that a client names in an address.
     *
     * @throws Refusal {@code not_found} when no job can have it
     */
    public String jobId(String requestId, String tenant) {
        requireId(
                requestId,
                () -> new Refusal(Event.Error.answer(null, "not_found", "there is no such job", "request_id")));
        return JobIds.of(requestId, tenant);
    }

    private static void requireId(String requestId, Supplier<Refusal> otherwise) {
        // Null: an expression in a route reads the word so.
        if (!JobIds.isRequestId(requestId)) {
            throw otherwise.get();
        }
    }

    /**
     * Reads the JSON of a message of whatever kind, for those who make another of it.
     *
     * @param message text, or bytes of UTF-8
     * @throws Refusal when it is too large, or no JSON object
     */
    public ObjectNode object(Object message) {
        byte[] bytes = message instanceof byte[] raw ? raw : message.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length > messageLimit) {
            throw Refusal.invalid(
                    null, null, "the message must be at most " + messageLimit + " bytes, not " + bytes.length);
        }
        if (parse(text(bytes)) instanceof ObjectNode object) {
            return object;
        }
        throw Refusal.invalid(null, null, "the message must be a JSON object");
    }

    /** A message's fields; its request_id keeps to the rules. */
    private Fields fields(Object message) {
        JsonNode root = message instanceof ObjectNode read ? read : object(message);
        String requestId = new Fields(root, null).matching("request_id", REQUEST_ID, "letters, digits, . _ : -", 128);
        Fields fields = new Fields(root, requestId);
        if ("null".equals(requestId)) {
            // To an expression in a route it is no string but nothing.
            throw fields.refuse("request_id", "request_id must not be the word null");
        }
        if (".".equals(requestId) || "..".equals(requestId)) {
            // In a path of HTTP they lead elsewhere.
            throw fields.refuse("request_id", "request_id must not be . or ..");
        }
        return fields;
    }

    /**
     * Decoded strictly. The JSON parser takes what is no UTF-8: longer forms of a character than need be, and halves of a
     * surrogate pair; and it takes other encodings for JSON.
     */
    private static String text(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return text.startsWith(BYTE_ORDER_MARK) ? text.substring(BYTE_ORDER_MARK.length()) : text;
        } catch (CharacterCodingException e) {
            throw Refusal.invalid(null, null, "the message is not valid UTF-8");
        }
    }

    private JsonNode parse(String text) {
        try {
            return reader.readTree(text);
        } catch (JsonProcessingException e) {
            throw Refusal.invalid(null, null, "the message is not valid JSON: " + describe(e));
        }
    }

    private static String describe(JsonProcessingException e) {
        String problem = e.getOriginalMessage().lines().findFirst().orElse("unreadable");
        Matcher notANumber = NOT_A_NUMBER.matcher(problem);
        if (notANumber.find()) {
            problem = "a number must be finite, not " + notANumber.group(1);
        }
        problem = FROM_A_METHOD.matcher(problem).replaceFirst("");
        for (String internals : PARSER_INTERNALS) {
            int start = problem.indexOf(internals);
            problem = start < 0 ? problem : problem.substring(0, start);
        }
        problem = Excerpt.of(problem, MAX_PROBLEM);
        return e.getLocation() == null
                ? problem
                : problem + " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
    }

    private JobRequest generate(Fields fields, String requestId, String tenant) {
        String prompt = fields.text("prompt");
        List<ChatMessage> messages = fields.messages();
        if (prompt == null && messages == null) {
            throw fields.refuse("prompt", "prompt or messages is required");
        }
        if (prompt != null && messages != null) {
            throw fields.refuse("messages", "give either prompt or messages, not both");
        }
        if (prompt != null && prompt.isBlank()) {
            throw fields.refuse("prompt", "prompt must not be empty");
        }
        if (messages != null && fields.flag("raw")) {
            throw fields.refuse("raw", "raw goes with prompt, not with messages");
        }
        String model = fields.matching("model", MODEL, "letters, digits, . _ : / -", 128);
        Long topK = fields.integer("top_k", 0, 100_000);
        fields.atMostOneOf("response_format", "json_schema", "grammar");
        return new JobRequest(
                JobIds.of(requestId == null ? ids.get() : requestId, tenant),
                model,
                prompt,
                messages,
                fields.anyInteger("max_tokens"), // its bounds are the model's
                fields.number("temperature", 0, 2),
                fields.number("top_p", 0, 1),
                topK == null ? null : topK.intValue(),
                fields.number("min_p", 0, 1),
                fields.integer("seed", 0, MAX_SEED),
                fields.stops(),
                fields.jsonSchema(),
                fields.grammar(),
                fields.integer("timeout_ms", 1, MAX_TIMEOUT_MS),
                fields.onDisconnect(),
                fields.priority(),
                fields.callbackUrl(),
                fields.flag("raw"),
                fields.trace());
    }

    /** Typed access to the fields of one message; JSON null counts as absent. */
    private record Fields(JsonNode root, String requestId) {

        Refusal refuse(String field, String rule) {
            return Refusal.invalid(requestId, field, rule);
        }

        private JsonNode find(String field) {
            JsonNode value = root.get(field);
            return value == null || value.isNull() ? null : value;
        }

        String text(String field) {
            JsonNode value = find(field);
            if (value == null) {
                return null;
            }
            if (!value.isTextual()) {
                throw refuse(field, field + " must be a string");
            }
            return value.textValue();
        }

        String matching(String field, Pattern pattern, String characters, int longest) {
            String value = text(field);
            if (value != null && !pattern.matcher(value).matches()) {
                throw refuse(field, field + " must be 1 to " + longest + " characters of: " + characters);
            }
            return value;
        }

        <T> T required(String field, T value) {
            if (value == null) {
                throw refuse(field, field + " is required");
            }
            return value;
        }

        /** An integer of any size; one that is too large for an int is the largest, or the smallest, that there is. */
        Integer anyInteger(String field) {
            JsonNode value = findInteger(field);
            return value == null ? null : Integer.valueOf((int) value.doubleValue());
        }

        private JsonNode findInteger(String field) {
            JsonNode value = find(field);
            // 64.0 is an integer to JSON, and some clients write it so.
            if (value != null && !value.isIntegralNumber() && !(value.isNumber() && value.doubleValue() % 1 == 0)) {
                throw refuse(field, field + " must be an integer");
            }
            return value;
        }

        Long integer(String field, long min, long max) {
            JsonNode value = findInteger(field);
            if (value == null) {
                return null;
            }
            boolean inRange = value.isIntegralNumber()
                    ? value.canConvertToLong() && value.longValue() >= min && value.longValue() <= max
                    : value.doubleValue() >= min && value.doubleValue() <= max;
            if (!inRange) {
                throw refuse(
                        field,
                        max == Long.MAX_VALUE
                                ? field + " must be at least " + min
                                : field + " must be between " + min + " and " + max);
            }
            return value.longValue();
        }

        Double number(String field, int min, int max) {
            JsonNode value = find(field);
            if (value == null) {
                return null;
            }
            if (!value.isNumber()) {
                throw refuse(field, field + " must be a number");
            }
            double number = value.doubleValue();
            if (!(number >= min && number <= max)) {
                throw refuse(field, field + " must be between " + min + " and " + max);
            }
            return number;
        }

        List<String> stops() {
            JsonNode value = find("stop");
            if (value == null) {
                return List.of();
            }
            if (!value.isTextual() && !value.isArray()) {
                throw refuse("stop", "stop must be a string or a list of strings");
            }
            List<String> stops = new ArrayList<>();
            for (JsonNode item : value.isArray() ? value : List.of(value)) {
                if (!item.isTextual()
                        || item.textValue().isEmpty()
                        || item.textValue().length() > MAX_STOP_LENGTH) {
                    throw refuse("stop", "stop must hold strings of 1 to " + MAX_STOP_LENGTH + " characters");
                }
                stops.add(item.textValue());
            }
            if (stops.size() > MAX_STOPS) {
                throw refuse("stop", "stop must hold at most " + MAX_STOPS + " strings");
            }
            return stops;
        }

        List<ChatMessage> messages() {
            JsonNode value = find("messages");
            if (value == null) {
                return null;
            }
            if (!value.isArray() || value.isEmpty()) {
                throw refuse("messages", "messages must be a list of at least one {role, content}");
            }
            List<ChatMessage> messages = new ArrayList<>();
            for (JsonNode item : value) {
                String at = "messages[" + messages.size() + "]";
                if (!item.isObject()) {
                    throw refuse(at, at + " must be an object with role and content");
                }
                JsonNode role = item.get("role");
                if (role == null || !role.isTextual() || !role.textValue().matches("system|user|assistant")) {
                    throw refuse(at + ".role", at + ".role must be one of system, user, assistant");
                }
                JsonNode content = item.get("content");
                if (content == null || !content.isTextual()) {
                    throw refuse(at + ".content", at + ".content must be a string");
                }
                messages.add(new ChatMessage(role.textValue(), content.textValue()));
            }
            if (messages.stream().allMatch(message -> message.content().isBlank())) {
                throw refuse("messages", "messages must not all be empty");
            }
            return messages;
        }

        void atMostOneOf(String... names) {
            List<String> given =
                    Stream.of(names).filter(name -> find(name) != null).toList();
            if (given.size() > 1) {
                throw refuse(given.get(1), "give at most one of " + String.join(", ", names));
            }
        }

        /** The schema under either of its names. */
        JsonNode jsonSchema() {
            JsonNode format = find("response_format");
            return format == null ? schema("json_schema", find("json_schema")) : schemaOf(format);
        }

        /** What OpenAI's field asks for. Its name and {@code strict} change nothing: an answer always keeps to the schema. */
        private JsonNode schemaOf(JsonNode format) {
            if (!format.isObject()) {
                throw refuse("response_format", "response_format must be an object with a type");
            }
            return switch (format.path("type").asText()) {
                case "text" -> null;
                case "json_object" -> {
                    JsonNode schema = schema("response_format.schema", format.get("schema"));
                    yield schema == null ? JsonNodeFactory.instance.objectNode().put("type", "object") : schema;
                }
                case "json_schema" -> {
                    String field = "response_format.json_schema";
                    JsonNode wrapped = format.path("json_schema");
                    if (!wrapped.isObject()) {
                        throw refuse(field, field + " must be an object with a schema");
                    }
                    yield required(field + ".schema", schema(field + ".schema", wrapped.get("schema")));
                }
                default ->
                    throw refuse(
                            "response_format.type",
                            "response_format.type must be one of text, json_object, json_schema");
            };
        }

        private JsonNode schema(String field, JsonNode value) {
            if (value == null || value.isNull()) {
                return null;
            }
            if (!value.isObject()) {
                throw refuse(field, field + " must be a JSON object");
            }
            if (depth(value) > MAX_SCHEMA_DEPTH) {
                throw refuse(field, field + " must be nested at most " + MAX_SCHEMA_DEPTH + " levels deep");
            }
            boundConstraint(field, value.toString());
            bounded(() -> ConstraintBounds.checkSchema(field, value));
            return value;
        }

        /** The parser has bounded it, so that recursion is safe. */
        private static int depth(JsonNode value) {
            int deepest = 0;
            for (JsonNode child : value) {
                deepest = Math.max(deepest, depth(child));
            }
            return value.isContainerNode() ? deepest + 1 : 0;
        }

        String grammar() {
            JsonNode value = find("grammar");
            if (value == null) {
                return null;
            }
            if (!value.isTextual() || value.textValue().isBlank()) {
                throw refuse("grammar", "grammar must be a non-empty string");
            }
            if (value.textValue().indexOf('\0') >= 0) {
                throw refuse("grammar", "grammar must not hold the character U+0000");
            }
            boundConstraint("grammar", value.textValue());
            bounded(() -> ConstraintBounds.checkGrammar("grammar", value.textValue()));
            return value.textValue();
        }

        private interface Check {
            void run() throws ConstraintBounds.Broken;
        }

        private void bounded(Check check) {
            try {
                check.run();
            } catch (ConstraintBounds.Broken e) {
                throw refuse(e.field(), e.getMessage());
            }
        }

        private void boundConstraint(String field, String text) {
            int bytes = text.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > MAX_CONSTRAINT_BYTES) {
                throw refuse(field, field + " must be at most " + MAX_CONSTRAINT_BYTES + " bytes, not " + bytes);
            }
        }

        OnDisconnect onDisconnect() {
            return oneOf("on_disconnect", OnDisconnect.values());
        }

        Priority priority() {
            return oneOf("priority", Priority.values());
        }

        /** Null when it is not given. */
        private <E extends Enum<E>> E oneOf(String field, E[] choices) {
            String value = text(field);
            if (value == null) {
                return null;
            }
            List<String> names = new ArrayList<>();
            for (E choice : choices) {
                String name = choice.name().toLowerCase(Locale.ROOT);
                if (name.equals(value)) {
                    return choice;
                }
                names.add(name);
            }
            throw refuse(field, field + " must be one of " + String.join(", ", names));
        }

        boolean flag(String field) {
            JsonNode value = find(field);
            if (value != null && !value.isBoolean()) {
                throw refuse(field, field + " must be true or false");
            }
            return value != null && value.booleanValue();
        }

        String callbackUrl() {
            String value = text("callback_url");
            if (value != null && !CallbackUrl.isOne(value)) {
                throw refuse(
                        "callback_url",
                        "callback_url must be an http or https address of at most " + CallbackUrl.MAX_LENGTH
                                + " characters, " + "without a password or a fragment");
            }
            return value;
        }

        TraceContext trace() {
            String parent = text("traceparent");
            TraceContext trace = TraceContext.of(parent, text("tracestate"));
            if (parent != null && trace == null) {
                throw refuse("traceparent", "traceparent " + TraceContext.RULE);
            }
            return trace;
        }
    }
}
