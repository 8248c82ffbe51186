package io.flux.engine;

/**
 * The text that a job's earlier attempts have shown to its clients.
 *
 * @param text empty when there is none
 * @param events in how many events; each holds at least one token
 */
public record Transcript(String text, int events) {
    /** Nothing was shown. */
    public static final Transcript EMPTY = new Transcript("", 0);
}
