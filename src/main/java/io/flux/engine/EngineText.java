package io.flux.engine;

/**
 * A piece of the answer: what was readable at once.
 *
 * @param content one or more whole characters, never half a surrogate pair
 */
public record EngineText(String content) implements EngineOutput {
    public EngineText {
        if (content.isEmpty()) {
            throw new IllegalArgumentException("content must not be empty");
        }
    }
}
