package io.flux.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.gateway.HttpAnswer;
import io.flux.gateway.Rendition;
import io.flux.job.Answer;
import java.util.Map;

/** Nothing until the job has ended; then the answer as one body, or why there is none. */
final class Whole implements Rendition {
    private static final int OK = 200;

    private final Endpoint endpoint;
    private final FieldNames names;
    private final long created;
    private final Answer text;
    private JsonNode ticket = JsonNodeFactory.instance.missingNode();

    /** @param created seconds of Unix time */
    Whole(ObjectMapper mapper, Endpoint endpoint, FieldNames names, long created) {
        this.endpoint = endpoint;
        this.names = names;
        this.created = created;
        this.text = new Answer(mapper);
    }

    @Override
    public void event(String frame, HttpAnswer answer) {
        JsonNode event = text.add(frame);
        switch (event.path("type").asText()) {
            case "ticket" -> ticket = event;
            case "complete" -> {
                ApiError unserved =
                        ApiError.ofFinish(event.path("finish_reason").asText());
                if (unserved == null) {
                    answer.whole(
                            OK,
                            Map.of("Content-Type", "application/json"),
                            body(event).toString());
                } else {
                    fail(unserved, answer);
                }
            }
            case "error" -> fail(ApiError.of(event, names), answer);
            default -> {
                // the text has it, or it says nothing about the answer
            }
        }
    }

    private ObjectNode body(JsonNode complete) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("id", endpoint.id(ticket.path("request_id").asText()));
        body.put("object", endpoint.whole());
        body.put("created", created);
        body.set("model", ticket.path("model"));
        ObjectNode choice = body.putArray("choices").addObject().put("index", 0);
        endpoint.putText(choice, text.text());
        choice.putNull("logprobs");
        choice.set("finish_reason", complete.path("finish_reason"));
        JsonNode usage = Json.usage(complete.path("usage"));
        if (!usage.isNull()) {
            body.set("usage", usage);
        }
        return body;
    }

    private static void fail(ApiError error, HttpAnswer answer) {
        answer.whole(error.status(), error.headers(), error.json().toString());
    }

    /** It follows from the first event on, and so always gets the last. */
    @Override
    public void over(HttpAnswer answer) {
        interrupted(answer);
    }

    @Override
    public void interrupted(HttpAnswer answer) {
        fail(ApiError.interrupted(), answer);
    }
}
