package io.flux.job;

/**
 * How long an answer may be, where a model says nothing of its own.
 *
 * @param defaultMaxTokens {@code max_tokens} when the request names none
 * @param maxTokens the largest {@code max_tokens}
 */
public record RequestLimits(int defaultMaxTokens, int maxTokens) {
    public RequestLimits {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("flux.max-tokens-limit must be at least 1, not " + maxTokens);
        }
        if (defaultMaxTokens < 1 || defaultMaxTokens > maxTokens) {
            throw new IllegalArgumentException("flux.max-tokens-default must be between 1 and flux.max-tokens-limit ("
                    + maxTokens + "), not " + defaultMaxTokens);
        }
    }
}
