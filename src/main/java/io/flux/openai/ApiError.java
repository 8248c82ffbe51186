package io.flux.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.gateway.HttpStatus;
import io.flux.job.Event;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * An error as OpenAI's clients know them.
 *
 * @param status of HTTP, where nothing was sent yet
 * @param message one sentence
 * @param param the request's field that is at fault; null for none
 * @param code Flux's, or OpenAI's where clients act on it
 * @param retryAfterMs when to come again; null when that is not known
 */
public record ApiError(int status, String message, String param, String code, Long retryAfterMs) {
    /** Those where the same request may get an answer the next time. Clients would come again after others too. */
    private static final Set<String> PASSING =
            Set.of("overloaded", "rate_limited", "too_many_jobs", "unavailable", "internal_error");

    /** Of what may be sooner or later, s. */
    private static final String SOON = "1";

    private static final int FORBIDDEN = 403;
    private static final int UNAUTHORIZED = 401;
    private static final int TOO_MANY = 429;
    private static final int SERVER = 500;
    private static final int CONFLICT = 409;
    private static final int GATEWAY_TIMEOUT = 504;

    /** What an error that no route has made says. */
    public static ApiError of(Event.Error event, int status) {
        return new ApiError(
                status, event.error(), event.field(), code(event.code(), event.field()), event.retryAfterMs());
    }

    /** What an error event says. */
    static ApiError of(Event.Error event, FieldNames names) {
        return new ApiError(
                HttpStatus.of(event.code()),
                names.sentence(event.field(), event.error()),
                names.of(event.field()),
                code(event.code(), event.field()),
                event.retryAfterMs());
    }

    /** What an error event says. */
    static ApiError of(JsonNode event, FieldNames names) {
        return of(
                new Event.Error(
                        null,
                        null,
                        event.path("code").asText(),
                        event.path("error").asText(),
                        event.hasNonNull("field") ? event.get("field").asText() : null,
                        event.hasNonNull("retry_after_ms")
                                ? event.get("retry_after_ms").asLong()
                                : null),
                names);
    }

    private static String code(String code, String field) {
        return switch (code) {
            case "not_found" -> "model".equals(field) ? "model_not_found" : code;
            case "unauthorized" -> "invalid_api_key";
            case "prompt_too_long" -> "context_length_exceeded";
            default -> code;
        };
    }

    /** The end of a job that was not served to its end; null when it was: {@code stop} and {@code length} are answers. */
    static ApiError ofFinish(String reason) {
        return switch (reason) {
            case "cancelled" -> new ApiError(CONFLICT, "the job was cancelled", null, reason, null);
            case "deadline" ->
                new ApiError(GATEWAY_TIMEOUT, "the request's time was over before its answer", null, reason, null);
            default -> null;
        };
    }

    /** A text that was shown does not hold: what follows is another answer. */
    static ApiError begunAnew() {
        return new ApiError(
                SERVER,
                "the engine was lost, and the answer that was shown cannot be continued; ask again",
                null,
                "answer_lost",
                null);
    }

    /** This gateway stops; others, or the next one here, take the request. */
    static ApiError interrupted() {
        return new ApiError(HttpStatus.of("unavailable"), "this gateway stops; try again", null, "unavailable", 1000L);
    }

    /** The headers of HTTP that go with it. */
    Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "application/json");
        String retryAfter = retryAfter();
        if (retryAfter != null) {
            headers.put("Retry-After", retryAfter);
        }
        if (!PASSING.contains(code)) {
            headers.put("x-should-retry", "false");
        }
        return headers;
    }

    /** Seconds after which to come again: always some for who is too many; null for others when that is not known. */
    public String retryAfter() {
        if (retryAfterMs == null) {
            return status == TOO_MANY ? SOON : null;
        }
        return HttpStatus.retryAfter(retryAfterMs);
    }

    /** The body. */
    public ObjectNode json() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", message)
                .put("type", type())
                .put("param", param)
                .put("code", code);
        return body;
    }

    private String type() {
        return switch (status) {
            case UNAUTHORIZED -> "authentication_error";
            case FORBIDDEN -> "permission_error";
            case TOO_MANY -> "rate_limit_error";
            default -> status >= SERVER ? "server_error" : "invalid_request_error";
        };
    }
}
