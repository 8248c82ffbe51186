package io.flux.engine;

import io.flux.job.JobRequest;
import java.time.Duration;
import java.util.List;

/** Jobs for engines under test. */
public final class EngineJobs {
    private EngineJobs() {}

    /** A first attempt at a poem of up to 128 tokens. */
    public static EngineJob job(String requestId, String model, List<String> stop, Duration timeLeft) {
        return new EngineJob(
                new JobRequest(
                        requestId,
                        model,
                        "Write me a poem",
                        null,
                        128,
                        null,
                        null,
                        null,
                        null,
                        null,
                        stop,
                        null,
                        null,
                        null,
                        null),
                1,
                Transcript.EMPTY,
                timeLeft);
    }

    /** A first attempt at a text with the sampling options given. */
    public static EngineJob sampled(
            Double temperature, Double topP, Integer topK, Double minP, Long seed, List<String> stop) {
        return new EngineJob(
                new JobRequest(
                        "request-1",
                        "default",
                        "Write me a poem",
                        null,
                        128,
                        temperature,
                        topP,
                        topK,
                        minP,
                        seed,
                        stop,
                        null,
                        null,
                        null,
                        null),
                1,
                Transcript.EMPTY,
                null);
    }
}
