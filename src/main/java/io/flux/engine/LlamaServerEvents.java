package io.flux.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What llama-server's {@code /completion} streams: pieces with {@code content}, then one with {@code "stop":true} that
 * says why. Every one says how many tokens there are so far.
 */
final class LlamaServerEvents implements AnswerDecoder {
    private static final int BAD_REQUEST = 400;
    private static final int TOO_LARGE = 413;
    private static final int UNPROCESSABLE = 422;
    private static final int INTERNAL = 500;
    private static final int UNAVAILABLE = 503;
    private static final String TOO_LONG = "exceed_context_size_error";

    /** What a chat template says about messages that it does not take. */
    private static final Pattern TEMPLATE_SAYS = Pattern.compile("Jinja Exception: ([^\\n]{1,200})");

    private static final Pattern SCHEMA_SAYS = Pattern.compile("JSON schema error at ([^\\n]{1,200})");

    private final EngineJob job;
    private final ObjectMapper mapper;
    private Integer promptTokens;
    private Integer completionTokens;
    private EngineEnd end;

    LlamaServerEvents(EngineJob job, ObjectMapper mapper) {
        this.job = job;
        this.mapper = mapper;
    }

    @Override
    public String accept(String data) throws JsonProcessingException {
        JsonNode event = mapper.readTree(data);
        if (event.has("error")) {
            String said = event.get("error").toString();
            end = EngineEnd.failed(refusal(event.at("/error/code").asInt(INTERNAL), data), null, said);
            return "";
        }
        promptTokens = number(event, "tokens_evaluated", promptTokens);
        completionTokens = number(event, "tokens_predicted", completionTokens);
        if (event.path("stop").asBoolean()) {
            FinishReason reason =
                    event.path("stop_type").asText().equals("limit") ? FinishReason.LENGTH : FinishReason.STOP;
            end = EngineEnd.finished(reason, null, "")
                    .withTokens(promptTokens, completionTokens)
                    .withTimes(EngineTimes.ofServer(event.path("timings")));
        }
        return event.path("content").asText("");
    }

    private static Integer number(JsonNode event, String field, Integer before) {
        return event.path(field).canConvertToInt()
                ? Integer.valueOf(event.get(field).intValue())
                : before;
    }

    @Override
    public EngineEnd end() {
        return end;
    }

    @Override
    public Integer promptTokens() {
        return promptTokens;
    }

    @Override
    public Integer completionTokens() {
        return completionTokens;
    }

    @Override
    public EngineFailure refusal(int status, String body) {
        JsonNode error = error(body);
        if (error.path("type").asText().equals(TOO_LONG)) {
            // Its context has to hold one token of the answer too.
            return EngineFailure.promptTooLong(
                    error.path("n_prompt_tokens").asInt(), error.path("n_ctx").asInt() - 1);
        }
        return switch (status) {
            case BAD_REQUEST, TOO_LARGE, UNPROCESSABLE ->
                invalid(error.path("message").asText());
            case UNAVAILABLE -> EngineFailure.unavailable("llama-server is loading the model");
            default -> EngineFailure.failed("llama-server answered with HTTP status " + status);
        };
    }

    /** The request is to blame. Of what the server says only what is about the request is passed on. */
    private EngineFailure invalid(String message) {
        Matcher template = TEMPLATE_SAYS.matcher(message);
        if (template.find()) {
            return templateRefuses(template.group(1));
        }
        if (job.request().grammar() != null && message.contains("grammar")) {
            return EngineFailure.invalid("grammar", "grammar is not a GBNF grammar that the engine can read");
        }
        if (job.request().jsonSchema() != null && (message.contains("schema") || message.contains("grammar"))) {
            Matcher schema = SCHEMA_SAYS.matcher(message);
            return EngineFailure.invalid(
                    "json_schema",
                    "json_schema is not one that the engine can keep to"
                            + (schema.find() ? ": " + schema.group(1) : ""));
        }
        return EngineFailure.invalid(null, "the engine does not take the request");
    }

    private EngineFailure templateRefuses(String why) {
        return EngineFailure.invalid(
                job.request().prompt() == null ? "messages" : "prompt",
                "the model's chat template does not take it: " + why.strip());
    }

    private JsonNode error(String body) {
        try {
            return mapper.readTree(body).path("error");
        } catch (JsonProcessingException e) {
            // Not its own words, but a proxy's, say: then the status must do.
            return mapper.missingNode();
        }
    }
}
