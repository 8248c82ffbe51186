package io.flux.engine;

/**
 * What a text-completing engine is given: a text to continue.
 *
 * @param prompt the chat template applied; in a later attempt it ends with the text written so far
 * @param maxTokens how many tokens may still be written, at least 1
 */
public record Completion(String prompt, int maxTokens) {
    public Completion {
        if (prompt.isEmpty()) {
            throw new IllegalArgumentException("prompt must not be empty");
        }
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1, not " + maxTokens);
        }
    }

    /** Without the prompt, which belongs to the client and not in a log. */
    @Override
    public String toString() {
        return "Completion[prompt=" + prompt.length() + " chars, maxTokens=" + maxTokens + "]";
    }
}
