package io.flux.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** A job's answer, put together from its events. Not thread-safe. */
public final class Answer {
    private final ObjectMapper mapper;
    private final StringBuilder text = new StringBuilder();
    private int pieces;
    private int resumes;
    private JsonNode started;
    private JsonNode last;

    public Answer(ObjectMapper mapper) {
        this.mapper = mapper;
    }

    /**
     * Adds the next event; a restart that resets takes back what came before.
     *
     * @param frame its JSON
     * @return the event
     */
    public JsonNode add(String frame) {
        JsonNode event;
        try {
            event = mapper.readTree(frame);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not an event: " + frame, e);
        }
        switch (event.path("type").asText()) {
            case "start" -> started = event;
            case "token" -> {
                text.append(event.path("content").asText());
                pieces++;
            }
            case "restart" -> {
                if (event.path("mode").asText().equals("reset")) {
                    text.setLength(0);
                    pieces = 0;
                } else if (pieces > 0) {
                    resumes++;
                }
            }
            case "complete", "error" -> last = event;
            default -> {
                // says nothing about the answer
            }
        }
        return event;
    }

    /** The text so far. */
    public String text() {
        return text.toString();
    }

    /** How many events the text came in. */
    public int pieces() {
        return pieces;
    }

    /** How often an attempt went on with the text of the one before. */
    public int resumes() {
        return resumes;
    }

    /** The event {@code start}; null before. */
    public JsonNode started() {
        return started;
    }

    /** The event that ended the job, {@code complete} or {@code error}; null before. */
    public JsonNode last() {
        return last;
    }
}
