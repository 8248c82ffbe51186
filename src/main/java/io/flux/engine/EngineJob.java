package io.flux.engine;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * What an engine is asked to write. Where a sampling option is null, the engine's own default holds.
 *
 * @param requestId who asks; names the stream in {@link Engines}
 * @param attempt 1 for the first engine that works on the request, 2 for the next, …
 * @param model the name that clients ask for
 * @param prompt the text to continue, chat template applied; in a later attempt it ends with the text written so far
 * @param maxTokens how many tokens may still be written, at least 1
 * @param temperature 0 (greedy) or more, or null
 * @param topP in 0..1, or null
 * @param topK 0 (off) or more, or null
 * @param minP in 0..1, or null
 * @param seed any number, or null for a random one
 * @param stop texts that end the answer and are not part of it; each non-empty and of whole characters; may be empty
 * @param timeLeft from now until the engine is stopped because the request's time is over, or null for no limit
 */
public record EngineJob(
        String requestId,
        int attempt,
        String model,
        String prompt,
        int maxTokens,
        Double temperature,
        Double topP,
        Integer topK,
        Double minP,
        Long seed,
        List<String> stop,
        Duration timeLeft) {

    public EngineJob {
        Objects.requireNonNull(requestId, "requestId");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(prompt, "prompt");
        stop = List.copyOf(stop);
        require(!requestId.isEmpty(), "requestId must not be empty");
        require(attempt >= 1, "attempt must be at least 1, not " + attempt);
        require(!prompt.isEmpty(), "prompt must not be empty");
        require(maxTokens >= 1, "maxTokens must be at least 1, not " + maxTokens);
        require(temperature == null || temperature >= 0, "temperature must not be negative: " + temperature);
        require(isShare(topP), "topP must be between 0 and 1, not " + topP);
        require(topK == null || topK >= 0, "topK must not be negative: " + topK);
        require(isShare(minP), "minP must be between 0 and 1, not " + minP);
        for (String text : stop) {
            require(!text.isEmpty(), "a stop text must not be empty");
            require(
                    text.codePoints().noneMatch(point -> Character.getType(point) == Character.SURROGATE),
                    "a stop text must not hold half a surrogate pair");
        }
    }

    /** Without the prompt and the stop texts: they belong to the client and not in a log. */
    @Override
    public String toString() {
        return "EngineJob[requestId=" + requestId + ", attempt=" + attempt + ", model=" + model + ", prompt="
                + prompt.length() + " chars, maxTokens=" + maxTokens + "]";
    }

    private static boolean isShare(Double value) {
        return value == null || (value >= 0 && value <= 1);
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException(rule);
        }
    }
}
