package io.flux.worker;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.job.AttemptLimits;

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
     * Decides by the engine's end and the attempts that are left.
     *
     * @param attempt the attempt's number
     * @param failures earlier attempts that count as failed
     */
    static Verdict of(EngineEnd end, int attempt, int failures, AttemptLimits limits) {
        if (end.failure() == null) {
            return COMPLETE;
        }
        if (end.failure().code().equals(EngineFailure.LOST)) {
            return LOST;
        }
        if (end.failure().clientError()) {
            return REFUSED;
        }
        if (isNobodysFault(end)) {
            return RETRY;
        }
        boolean again = counts(end) ? failures + 1 < limits.failures() : attempt < limits.attempts();
        return end.failure().retryable() && again ? RETRY : DEAD;
    }

    /**
     * Whether a failed attempt counts against its job. llama-completion loses the end of its output now and then, on a busy
     * machine more often than not.
     */
    static boolean counts(EngineEnd end) {
        return !end.failure().code().equals(EngineFailure.OUTPUT_TRUNCATED) && !isNobodysFault(end);
    }

    /** The worker stops, or its engine cannot be asked now: however often that happens, the job is as good as before. */
    private static boolean isNobodysFault(EngineEnd end) {
        String code = end.failure().code();
        return code.equals(EngineFailure.HANDED_OVER) || code.equals(EngineFailure.ENGINE_UNAVAILABLE);
    }
}
