package io.flux.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Events as the JSON text that clients see: with their request_id for the job's id. Thread-safe. */
public final class EventJson {
    private static final JsonStringEncoder STRINGS = JsonStringEncoder.getInstance();

    private final ObjectMapper mapper;

    public EventJson(ObjectMapper mapper) {
        this.mapper = mapper;
    }

    /** The event's frame. Tokens, by far the most frequent, are written without going through a tree or reflection. */
    public String write(Event event) {
        if (event instanceof Event.Token token) {
            StringBuilder frame = new StringBuilder(
                    80 + token.requestId().length() + token.content().length());
            frame.append("{\"type\":\"token\",\"request_id\":\"").append(JobIds.requestId(token.requestId()));
            frame.append("\",\"seq\":").append(token.seq()).append(",\"content\":\"");
            STRINGS.quoteAsString(token.content(), frame);
            return frame.append("\"}").toString();
        }
        return json(event.as(JobIds.requestId(event.requestId())));
    }

    /** A failure report's JSON. */
    public String write(FailureReport report) {
        return json(report);
    }

    private String json(Object value) {
        try {
            return mapper.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a " + value.getClass().getSimpleName() + " has no JSON form", e);
        }
    }
}
