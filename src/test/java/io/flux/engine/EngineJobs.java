package io.flux.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.JobRequest;
import io.flux.model.ModelSpec;
import io.flux.model.Parameters;
import io.flux.model.ServedModels;
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
                        null,
                        null,
                        null,
                        false),
                1,
                Transcript.EMPTY,
                timeLeft);
    }

    /** A worker's only model, with an engine that goes on in the middle of a text. */
    public static ServedModels served(String model) {
        return new ServedModels(List.of(spec(model, "llama-completion", null)));
    }

    /** A model. */
    public static ModelSpec spec(String name, String engine, ModelSpec.Upstream upstream) {
        return new ModelSpec(name, List.of(), engine, null, null, 0, 1, 0, List.of(), upstream, Parameters.NONE);
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
                        null,
                        null,
                        null,
                        false),
                1,
                Transcript.EMPTY,
                null);
    }

    /** A first attempt at the likeliest answer that keeps to a schema or a grammar; one of them is null. */
    public static EngineJob constrained(String jsonSchema, String grammar) {
        try {
            return new EngineJob(
                    new JobRequest(
                            "request-1",
                            "default",
                            "Write me a poem",
                            null,
                            128,
                            0.0,
                            null,
                            null,
                            null,
                            7L,
                            List.of(),
                            jsonSchema == null ? null : new ObjectMapper().readTree(jsonSchema),
                            grammar,
                            null,
                            null,
                            null,
                            null,
                            false),
                    1,
                    Transcript.EMPTY,
                    null);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + jsonSchema, e);
        }
    }
}
