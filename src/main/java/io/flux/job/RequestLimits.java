package io.flux.job;

/**
 * What a request may ask for.
 *
 * @param messageBytes the largest message, bytes of UTF-8
 * @param defaultMaxTokens {@code max_tokens} when the request names none
 * @param maxTokens the largest {@code max_tokens}
 */
public record RequestLimits(int messageBytes, int defaultMaxTokens, int maxTokens) {
    public RequestLimits {
        if (messageBytes < 1024) {
            throw new IllegalArgumentException("flux.message-limit must be at least 1024 bytes, not " + messageBytes);
        }
        if (maxTokens < 1) {
            throw new IllegalArgumentException("flux.max-tokens-limit must be at least 1, not " + maxTokens);
        }
        if (defaultMaxTokens < 1 || defaultMaxTokens > maxTokens) {
            throw new IllegalArgumentException("flux.max-tokens-default must be between 1 and flux.max-tokens-limit ("
                    + maxTokens + "), not " + defaultMaxTokens);
        }
    }
}
