package io.flux.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.ChatMessage;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * What llama-server is sent and what its answers mean: the steps of the engine's kamelet that are not YAML. Its methods
 * are given to Camel texts in records only, as it takes quotes off a text that is an argument. Thread-safe.
 */
public final class LlamaServerRequests {
    private static final int OK = 200;
    private static final int MOST_BYTES = 64 * 1024 * 1024;

    private final Function<String, LlamaServer> servers;
    private final Function<String, ChatTemplate> templates;
    private final ObjectMapper mapper;

    /**
     * @param servers a model's server
     * @param templates the template of Flux's that a model is configured with; null when its server applies one
     */
    public LlamaServerRequests(
            Function<String, LlamaServer> servers, Function<String, ChatTemplate> templates, ObjectMapper mapper) {
        this.servers = servers;
        this.templates = templates;
        this.mapper = mapper;
    }

    /**
     * The server of a job's model.
     *
     * @throws EngineException when it is not ready; never waits for it
     */
    public LlamaServer.Serving serving(EngineJob job) {
        return servers.apply(job.model()).serving();
    }

    /**
     * The completion of a job whose prompt needs no template, or whose model is configured with one of Flux's; null when its
     * server applies one.
     */
    public Completion templated(EngineJob job) {
        if (job.request().raw()) {
            return whole(job, job.request().prompt());
        }
        ChatTemplate template = templates.apply(job.model());
        return template == null ? null : whole(job, template.render(job.request()));
    }

    /** For {@code POST /apply-template}. */
    public byte[] conversation(EngineJob job, LlamaServer.Serving server) throws JsonProcessingException {
        ObjectNode body = mapper.createObjectNode();
        ArrayNode messages = body.putArray("messages");
        for (ChatMessage message : job.request().turns()) {
            messages.addObject()
                    .put("role", message.role())
                    .put("content", server.markers().plain(message.content()));
        }
        return mapper.writeValueAsBytes(body);
    }

    /** What {@code /apply-template} answers: the job's completion, with all of its tokens left. */
    public Completion applied(EngineJob job, int status, InputStream answer) throws IOException {
        return whole(job, read(job, status, answer).path("prompt").asText());
    }

    private static Completion whole(EngineJob job, String prompt) {
        return new Completion(prompt + job.soFar().text(), job.request().maxTokens());
    }

    /** For {@code POST /tokenize}: the prompt without what earlier attempts wrote. */
    public byte[] prompt(EngineJob job, Completion completion) throws JsonProcessingException {
        String all = completion.prompt();
        return text(all.substring(0, all.length() - job.soFar().text().length()));
    }

    /** For {@code POST /tokenize}: the prompt and what earlier attempts wrote. */
    public byte[] all(Completion completion) throws JsonProcessingException {
        return text(completion.prompt());
    }

    private byte[] text(String content) throws JsonProcessingException {
        return mapper.writeValueAsBytes(mapper.createObjectNode()
                .put("content", content)
                .put("add_special", true)
                .put("parse_special", true));
    }

    /** What {@code /tokenize} answers: how many tokens a text has. */
    public int count(EngineJob job, int status, InputStream answer) throws IOException {
        return read(job, status, answer).path("tokens").size();
    }

    /**
     * What is left for this attempt; null when earlier ones have used up the job's tokens, or the context's.
     *
     * @param promptTokens without what they wrote
     * @param allTokens with it
     */
    public Completion left(
            EngineJob job, LlamaServer.Serving server, Completion completion, int promptTokens, int allTokens) {
        int left = job.request().maxTokens() - (allTokens - promptTokens);
        return left < 1 || allTokens >= server.contextTokens() ? null : new Completion(completion.prompt(), left);
    }

    /**
     * For {@code POST /completion}. Stop texts are not among it: llama-server loses what it holds back for one when the
     * tokens are used up, and {@link EngineStream} does not.
     */
    public byte[] completion(EngineJob job, Completion completion) throws JsonProcessingException {
        JobRequest request = job.request();
        ObjectNode body = mapper.createObjectNode();
        body.put("prompt", completion.prompt());
        body.put("n_predict", completion.maxTokens());
        body.put("stream", true);
        body.put("cache_prompt", true);
        put(body, "temperature", request.temperature());
        put(body, "top_p", request.topP());
        put(body, "top_k", request.topK());
        put(body, "min_p", request.minP());
        put(body, "seed", LlamaSeed.of(request));
        put(body, "json_schema", request.jsonSchema());
        put(body, "grammar", request.grammar());
        return mapper.writeValueAsBytes(body);
    }

    private void put(ObjectNode body, String field, Object value) {
        if (value != null) {
            body.set(field, mapper.valueToTree(value));
        }
    }

    /** What {@code /completion} answers: the call's stream, which can be read as the answer comes. */
    public EngineStream answer(EngineCall call, int status, InputStream answer) {
        return call.answered(status, answer, new LlamaServerEvents(call.job(), mapper));
    }

    private JsonNode read(EngineJob job, int status, InputStream answer) throws IOException {
        if (answer == null) {
            throw new EngineException(EngineFailure.failed("llama-server gave an empty answer"));
        }
        byte[] bytes = answer.readNBytes(MOST_BYTES);
        if (status != OK) {
            throw new EngineException(
                    new LlamaServerEvents(job, mapper).refusal(status, new String(bytes, StandardCharsets.UTF_8)));
        }
        return mapper.readTree(bytes);
    }
}
