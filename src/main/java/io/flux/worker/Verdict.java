package io.flux.worker;

import io.flux.engine.EngineEnd;

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

    /** Decides by the engine's end and the attempts that are left. */
    static Verdict of(EngineEnd end, int attempt, int attempts) {
        if (end.failure() == null) {
            return COMPLETE;
        }
        if (end.failure().code().equals("lost")) {
            return LOST;
        }
        if (end.failure().clientError()) {
            return REFUSED;
        }
        return end.failure().retryable() && attempt < attempts ? RETRY : DEAD;
    }
}
