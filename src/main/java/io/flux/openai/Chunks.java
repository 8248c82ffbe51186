package io.flux.openai;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.HttpAnswer;
import io.flux.gateway.Rendition;
import java.util.Map;

/**
 * A job's events as the chunks of OpenAI's streams: the role, the text, why it ended, what it took if that was asked for,
 * and {@code [DONE]}. The queue position is a comment, which clients pass over. No blank line follows a comment: some decoders
 * take each blank line for the end of an event.
 *
 * <p>The status waits for the first text, so that a refusal of the engine's is one of HTTP's; but who has others before
 * them, or has waited for a while, gets it with the comment.
 *
 * <p>What follows a {@code restart} that resets is another answer. When text was shown already, the stream ends with an
 * error: there is no chunk that takes one back.
 */
final class Chunks implements Rendition {
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Type", "text/event-stream",
            "Cache-Control", "no-store",
            // Asks a proxy such as nginx to pass on what it gets, as it gets it.
            "X-Accel-Buffering", "no");

    private final ObjectMapper mapper;
    private final Endpoint endpoint;
    private final FieldNames names;
    private final boolean usage;
    private final long created;

    /** Everything of a chunk before its choices. */
    private String head = "";

    private boolean shown;
    private String place = "";

    /**
     * @param usage whether the last chunk says how many tokens it took
     * @param created seconds of Unix time
     */
    Chunks(ObjectMapper mapper, Endpoint endpoint, FieldNames names, boolean usage, long created) {
        this.mapper = mapper;
        this.endpoint = endpoint;
        this.names = names;
        this.usage = usage;
        this.created = created;
    }

    @Override
    public void event(String frame, HttpAnswer answer) {
        JsonNode event = Json.read(mapper, frame);
        switch (event.path("type").asText()) {
            case "ticket" -> {
                name(event);
                waits(event, answer);
            }
            case "position" -> waits(event, answer);
            case "start" -> place = "";
            case "token" -> show(event.path("content").asText(), answer);
            case "restart" -> {
                if (shown && event.path("mode").asText().equals("reset")) {
                    fail(ApiError.begunAnew(), answer);
                }
            }
            case "complete" -> complete(event, answer);
            case "error" -> fail(ApiError.of(event, names), answer);
            default -> {
                // nothing that these clients know
            }
        }
    }

    private void name(JsonNode ticket) {
        StringBuilder text = new StringBuilder("data: {\"id\":\"");
        text.append(endpoint.id(ticket.path("request_id").asText())).append("\",\"object\":\"");
        text.append(endpoint.chunk()).append("\",\"created\":").append(created).append(",\"model\":\"");
        JsonStringEncoder.getInstance().quoteAsString(ticket.path("model").asText(), text);
        head = text.append("\",\"choices\":[").toString();
    }

    private void waits(JsonNode event, HttpAnswer answer) {
        if (!event.has("position")) {
            return;
        }
        place = ": position " + event.path("position").asLong()
                + (event.has("eta_ms") ? ", eta_ms " + event.path("eta_ms").asLong() : "") + "\n";
        if (answer.hasHead() || event.path("position").asLong() > 1) {
            begin(answer);
            answer.write(place);
        }
    }

    @Override
    public void heartbeat(HttpAnswer answer) {
        begin(answer);
        answer.write(place.isEmpty() ? ":\n" : place);
    }

    private static void begin(HttpAnswer answer) {
        if (!answer.hasHead()) {
            answer.head(200, HEADERS);
        }
    }

    private void show(String content, HttpAnswer answer) {
        StringBuilder text = new StringBuilder(content.length() + 2 * head.length() + 160);
        first(text, answer);
        choice(text);
        endpoint.appendText(text, content);
        close(text, null);
        answer.write(text.toString());
    }

    private void first(StringBuilder text, HttpAnswer answer) {
        begin(answer);
        if (!shown) {
            shown = true;
            choice(text);
            endpoint.appendFirst(text);
            close(text, null);
        }
    }

    private void choice(StringBuilder text) {
        text.append(head).append("{\"index\":0,");
    }

    private void close(StringBuilder text, String finish) {
        text.append(",\"logprobs\":null,\"finish_reason\":");
        if (finish == null) {
            text.append("null");
        } else {
            text.append('"').append(finish).append('"');
        }
        text.append(usage ? "}],\"usage\":null}\n\n" : "}]}\n\n");
    }

    private void complete(JsonNode event, HttpAnswer answer) {
        String finish = event.path("finish_reason").asText();
        ApiError unserved = ApiError.ofFinish(finish);
        if (unserved != null) {
            fail(unserved, answer);
            return;
        }
        StringBuilder text = new StringBuilder();
        first(text, answer);
        choice(text);
        endpoint.appendLast(text);
        close(text, finish);
        if (usage) {
            text.append(head)
                    .append("],\"usage\":")
                    .append(Json.usage(event.path("usage")))
                    .append("}\n\n");
        }
        answer.write(text.append("data: [DONE]\n\n").toString());
        answer.end();
    }

    private void fail(ApiError error, HttpAnswer answer) {
        if (answer.hasHead()) {
            answer.write("data: " + error.json() + "\n\n");
            answer.end();
        } else {
            answer.whole(error.status(), error.headers(), error.json().toString());
        }
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
