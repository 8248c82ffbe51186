package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import java.net.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;

/** Holds what a running Flux answers to the two documents in {@code docs/api}. Thread-safe. */
public final class ApiContract {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ApiDocument HTTP = ApiDocument.openApi();
    private static final ApiDocument SOCKET = ApiDocument.asyncApi();

    private final Set<String> seen = new ConcurrentSkipListSet<>();

    /**
     * An answer to an HTTP request.
     *
     * @param path as it was asked for, without the query
     */
    public record Answer(String method, String path, int status, HttpHeaders headers, String body) {}

    /** Asserts that the document has such an answer. */
    public void check(Answer answer) {
        assertThat(problems(answer)).as(answer.toString()).isEmpty();
    }

    /** The answers that came, as {@code get /path 200}. */
    public Set<String> seen() {
        return Set.copyOf(seen);
    }

    /** The answers that may come, as {@link #seen}. */
    public static Set<String> documented() {
        Set<String> documented = new ConcurrentSkipListSet<>();
        HTTP.root().get("paths").fields().forEachRemaining(path -> path.getValue()
                .fields()
                .forEachRemaining(operation -> operation
                        .getValue()
                        .path("responses")
                        .fieldNames()
                        .forEachRemaining(
                                status -> documented.add(operation.getKey() + " " + path.getKey() + " " + status))));
        return documented;
    }

    /** What an answer has that the document has not. */
    public List<String> problems(Answer answer) {
        String method = answer.method().toLowerCase(Locale.ROOT);
        String template = template(answer.path());
        JsonNode operation = HTTP.root().path("paths").path(template).path(method);
        if (operation.isMissingNode()) {
            return unknown(answer);
        }
        JsonNode response = operation.path("responses").path(Integer.toString(answer.status()));
        if (response.isMissingNode()) {
            return List.of(method + " " + template + " has no " + answer.status());
        }
        seen.add(method + " " + template + " " + answer.status());
        response = HTTP.follow(response);
        List<String> problems = new ArrayList<>(content(response.path("content"), answer));
        response.path("headers").fields().forEachRemaining(header -> {
            String value = answer.headers().firstValue(header.getKey()).orElse(null);
            if (value != null) {
                problems.addAll(HTTP.problems(header.getValue().get("schema"), TextNode.valueOf(value)));
            } else if (header.getValue().path("required").asBoolean()) {
                problems.add("no header " + header.getKey());
            }
        });
        return problems;
    }

    /** The path of the document that stands for one that was asked for. */
    private static String template(String path) {
        if (HTTP.root().path("paths").has(path)) {
            return path;
        }
        List<String> templates = new ArrayList<>();
        HTTP.root().path("paths").fieldNames().forEachRemaining(templates::add);
        return templates.stream()
                .filter(template -> path.matches(template.replaceAll("\\{\\w+}", "[^/]+")))
                .findFirst()
                .orElse("");
    }

    /** Nothing that the document has: an error, in the shape that those have who ask there. */
    private static List<String> unknown(Answer answer) {
        boolean openAi = answer.path().startsWith("/v1/") && !answer.path().startsWith("/v1/jobs");
        return json(ApiDocument.named(openAi ? "OpenAiError" : "Problem"), answer.body());
    }

    private static List<String> content(JsonNode content, Answer answer) {
        if (content.isMissingNode()) {
            return answer.body().isEmpty() ? List.of() : List.of("a body: " + answer.body());
        }
        String type = answer.headers().firstValue("Content-Type").orElse("none").split(";")[0];
        if (!content.has(type)) {
            return List.of("content type " + type);
        }
        JsonNode form = content.get(type);
        return switch (type) {
            case "application/json" -> json(form.get("schema"), answer.body());
            case "text/event-stream" ->
                answer.body()
                        .lines()
                        .filter(line -> line.startsWith("data: ") && !line.equals("data: [DONE]"))
                        .flatMap(line -> json(form.get("x-itemSchema"), line.substring(6)).stream())
                        .toList();
            default -> List.of();
        };
    }

    private static List<String> json(JsonNode schema, String text) {
        try {
            return HTTP.problems(schema, JSON.readTree(text));
        } catch (JsonProcessingException e) {
            return List.of("not JSON: " + text);
        }
    }

    /** What a client gets over the WebSocket that the document has not. */
    public static List<String> problems(JsonNode frame) {
        String type = frame.path("type").asText();
        String message = type.equals("models") ? "served" : type;
        JsonNode payload = SOCKET.root().at("/components/messages/" + message + "/payload");
        return payload.isMissingNode() ? List.of("no message " + type) : SOCKET.problems(payload, frame);
    }

    /** What a posted answer has that the document has not. */
    public static List<String> problemsOfWebhook(Map<String, String> headers, JsonNode body) {
        JsonNode post = HTTP.root().at("/webhooks/answer/post");
        List<String> problems =
                new ArrayList<>(HTTP.problems(post.at("/requestBody/content/application~1json/schema"), body));
        for (JsonNode header : post.get("parameters")) {
            String value = headers.getOrDefault(header.get("name").asText(), "");
            problems.addAll(HTTP.problems(header.get("schema"), TextNode.valueOf(value)));
        }
        return problems;
    }
}
