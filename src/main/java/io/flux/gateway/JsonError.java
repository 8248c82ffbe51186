package io.flux.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;

/** An error event as the whole answer to an HTTP request. Thread-safe. */
final class JsonError {
    /** To a client that is to come again, elsewhere perhaps. */
    static final String INTERRUPTED =
            "{\"type\":\"error\",\"code\":\"unavailable\",\"error\":\"this gateway stops; try again\",\"retry_after_ms\":1000}";

    private final ObjectMapper mapper;

    JsonError(ObjectMapper mapper) {
        this.mapper = mapper;
    }

    /** Writes it and ends the answer. */
    void answer(String frame, HttpAnswer answer) {
        JsonNode event = read(frame);
        answer.whole(HttpStatus.of(event.path("code").asText()), headers(event), frame);
    }

    JsonNode read(String frame) {
        try {
            return mapper.readTree(frame);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not an event: " + frame, e);
        }
    }

    /** Its content type, and when to try again. */
    static Map<String, String> headers(JsonNode event) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "application/json");
        if (event.hasNonNull("retry_after_ms")) {
            headers.put(
                    "Retry-After",
                    HttpStatus.retryAfter(event.get("retry_after_ms").asLong()));
        }
        return headers;
    }
}
