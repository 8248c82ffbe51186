package io.flux.worker;

/**
 * The text that a job's earlier attempts have shown to its clients.
 *
 * @param text empty when there is none
 * @param tokens a lower bound of the tokens in it: each event holds at least one
 */
record Transcript(String text, int tokens) {
    static final Transcript EMPTY = new Transcript("", 0);
}
