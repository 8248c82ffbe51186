package io.flux.engine;

import io.flux.job.JobRequest;

/** A request's seed as llama.cpp takes it. */
final class LlamaSeed {
    /** Seeds are 32 bits wide, and the highest means "random". */
    private static final long SEEDS = 0xFFFF_FFFFL;

    private LlamaSeed() {}

    /** The seed; null for a random one. */
    static Long of(JobRequest request) {
        return request.seed() == null ? null : Long.valueOf(Math.floorMod(request.seed(), SEEDS));
    }
}
