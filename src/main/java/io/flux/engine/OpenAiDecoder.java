package io.flux.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * The answer of a server that speaks OpenAI's API: chunks with a {@code delta}, or the whole with a {@code message} from a
 * server that does not stream; {@code text} where a raw prompt was completed. Text is {@code content} and nothing else: thoughts ({@code
 * reasoning_content}) are no part of the answer. For one thread.
 */
final class OpenAiDecoder implements AnswerDecoder {
    private final ObjectMapper mapper;
    private final OpenAiServer server;
    private final EngineJob job;
    private final String retryAfter;

    private FinishReason finish;
    private EngineFailure failure;
    private String said = "";
    private Integer promptTokens;
    private Integer completionTokens;
    private EngineTimes times = EngineTimes.NONE;

    /** @param retryAfter the header of that name; or null */
    OpenAiDecoder(ObjectMapper mapper, OpenAiServer server, EngineJob job, String retryAfter) {
        this.mapper = mapper;
        this.server = server;
        this.job = job;
        this.retryAfter = retryAfter;
    }

    @Override
    public String accept(String data) throws IOException {
        JsonNode event = mapper.readTree(data);
        if (event.hasNonNull("error")) {
            said = server.withoutKey(OpenAiError.of(event).message());
            failure = EngineFailure.failed("the engine's server reported an error");
            throw new IOException("the server reported: " + said);
        }
        count(event.path("usage"));
        if (event.has("timings")) {
            times = EngineTimes.ofServer(event.get("timings"));
        }
        JsonNode choice = event.path("choices").path(0);
        String reason = choice.path("finish_reason").asText("");
        if (choice.hasNonNull("finish_reason") && !reason.isEmpty()) {
            finish(reason);
        }
        if (choice.has("message")) {
            return newPart(string(choice.path("message").path("content")));
        }
        return string(
                job.request().raw() ? choice.path("text") : choice.path("delta").path("content"));
    }

    private static String string(JsonNode value) {
        return value.isTextual() ? value.asText() : "";
    }

    /** llama-server repeats the text that it continued, when it does not stream. */
    private String newPart(String text) {
        String soFar = job.soFar().text();
        return text.startsWith(soFar) ? text.substring(soFar.length()) : text;
    }

    private void count(JsonNode usage) {
        if (usage.path("completion_tokens").isInt()) {
            promptTokens = usage.path("prompt_tokens").isInt()
                    ? (Integer) usage.path("prompt_tokens").asInt()
                    : null;
            completionTokens = usage.path("completion_tokens").asInt();
        }
    }

    private void finish(String reason) {
        switch (reason) {
            case "length" -> finish = FinishReason.LENGTH;
            case "error", "abort" -> {
                said = "finish_reason " + reason;
                failure = EngineFailure.failed("the engine's server gave up the answer");
            }
            // content_filter too: the provider cut the text, and would do so each time.
            default -> finish = FinishReason.STOP;
        }
    }

    /** A server that leaves the reason out has ended the answer all the same. */
    @Override
    public void done() {
        if (finish == null) {
            finish = FinishReason.STOP;
        }
    }

    @Override
    public EngineEnd end() {
        if (failure != null) {
            return EngineEnd.failed(failure, null, said);
        }
        return finish == null
                ? null
                : EngineEnd.finished(finish, null, "")
                        .withTokens(promptTokens, completionTokens)
                        .withTimes(times);
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
        return server.refused(job, status, retryAfter, body);
    }

    @Override
    public String log(String text) {
        return server.withoutKey(text);
    }
}
