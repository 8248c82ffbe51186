package io.flux.engine;

import java.util.Objects;

/**
 * A piece of the answer: what was readable at once. Two are equal when their content is; when they were read is for
 * measurements.
 */
public final class EngineText implements EngineOutput {
    private final String content;
    private final long readNanos;

    /**
     * @param content one or more whole characters, never half a surrogate pair
     * @param readNanos when the engine had written it, by {@link System#nanoTime}
     */
    public EngineText(String content, long readNanos) {
        if (content.isEmpty()) {
            throw new IllegalArgumentException("content must not be empty");
        }
        this.content = content;
        this.readNanos = readNanos;
    }

    /** The text. */
    public String content() {
        return content;
    }

    /** When the engine had written it, by {@link System#nanoTime}. */
    public long readNanos() {
        return readNanos;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof EngineText text && content.equals(text.content);
    }

    @Override
    public int hashCode() {
        return Objects.hash(content);
    }

    @Override
    public String toString() {
        return "EngineText[" + content.length() + " chars]";
    }
}
