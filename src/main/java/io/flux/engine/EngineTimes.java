package io.flux.engine;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Where an engine's time went, in its own words, ms. What it did not say is null.
 *
 * @param loadMs to load the model; null also for a server, which has it loaded
 * @param promptEvalMs to evaluate the prompt
 * @param evalMs to generate the text
 */
public record EngineTimes(Double loadMs, Double promptEvalMs, Double evalMs) {
    /** The engine said nothing. */
    public static final EngineTimes NONE = new EngineTimes(null, null, null);

    /** What llama-server says with the end of an answer, whichever of its APIs was asked; {@link #NONE} for others. */
    static EngineTimes ofServer(JsonNode timings) {
        return timings.isObject() ? new EngineTimes(null, ms(timings, "prompt_ms"), ms(timings, "predicted_ms")) : NONE;
    }

    private static Double ms(JsonNode timings, String field) {
        return timings.path(field).isNumber() ? (Double) timings.get(field).asDouble() : null;
    }
}
