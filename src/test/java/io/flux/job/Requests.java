package io.flux.job;

/** Requests of tests that say little. */
public final class Requests {
    private Requests() {}

    /** A prompt and nothing else. */
    public static JobRequest prompt(String id, String model, String prompt, Integer maxTokens) {
        return prompt(id, model, prompt, maxTokens, null, null);
    }

    /** A prompt, and how long and for whom the job is to run. */
    public static JobRequest prompt(
            String id, String model, String prompt, Integer maxTokens, Long timeoutMs, OnDisconnect onDisconnect) {
        return new JobRequest(
                id,
                model,
                prompt,
                null,
                maxTokens,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                timeoutMs,
                onDisconnect,
                null,
                null,
                false);
    }
}
