package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;

/** What follows from the way an attempt ended. */
public enum Verdict {
    /** The answer is whole, or ended on somebody's wish. */
    COMPLETE,
    /** The request cannot be served; its sender is told. */
    REFUSED,
    /** Another attempt may do better. */
    RETRY,
    /** No attempt is left. */
    DEAD,
    /** The job is somebody else's now; nothing is to be written. */
    LOST;

    /**
     * llama-completion loses the end of its output now and then, on a busy machine more often than not. Each attempt goes
     * on where the one before stopped, so that is no sign of a bad job: it gets that many times the attempts.
     */
    private static final int TRUNCATED_FACTOR = 10;

    /** Decides by the engine's end and the attempts that are left. */
    static Verdict of(EngineEnd end, int attempt, int attempts) {
        if (end.failure() == null) {
            return COMPLETE;
        }
        if (end.failure().code().equals(EngineFailure.LOST)) {
            return LOST;
        }
        if (end.failure().clientError()) {
            return REFUSED;
        }
        boolean truncated = end.failure().code().equals(EngineFailure.OUTPUT_TRUNCATED);
        int allowed = truncated ? attempts * TRUNCATED_FACTOR : attempts;
        return end.failure().retryable() && attempt < allowed ? RETRY : DEAD;
    }
}
