package io.flux.engine;

import java.util.Objects;

/**
 * What went wrong with an engine.
 *
 * @param code the name on the wire, one of the constants here
 * @param message one sentence for the client: no paths, no prompt, no secrets
 * @param clientError whether the request is to blame and not the engine
 * @param retryable whether another attempt may succeed; the text written so far stays valid and can be continued
 * @param field the request's field that is to blame, or null
 */
public record EngineFailure(String code, String message, boolean clientError, boolean retryable, String field) {
    public static final String ENGINE_FAILED = "engine_failed";
    public static final String ENGINE_NOT_FOUND = "engine_not_found";
    public static final String ENGINE_STALLED = "engine_stalled";
    public static final String OUTPUT_TRUNCATED = "output_truncated";
    public static final String PROMPT_TOO_LONG = "prompt_too_long";
    public static final String INVALID_REQUEST = "invalid_request";
    /** No engine can be asked now: it starts, is full, or is out of reach. Says nothing about the request. */
    public static final String ENGINE_UNAVAILABLE = "engine_unavailable";
    /** This worker is stopping; another one goes on. */
    public static final String HANDED_OVER = "handed_over";
    /** The request is no longer this worker's; there is nobody here to tell. */
    public static final String LOST = "lost";

    public EngineFailure {
        Objects.requireNonNull(code, "code");
        Objects.requireNonNull(message, "message");
    }

    /** A failure that no field of the request is to blame for. */
    public EngineFailure(String code, String message, boolean clientError, boolean retryable) {
        this(code, message, clientError, retryable, null);
    }

    /** The engine broke; the next attempt may do better. */
    static EngineFailure failed(String message) {
        return new EngineFailure(ENGINE_FAILED, message, false, true);
    }

    /** The engine was refused memory; the next attempt may find more, or need less. */
    static EngineFailure outOfMemory(long bound) {
        return failed(
                bound == 0
                        ? "the engine ran out of memory"
                        : "the engine ran out of memory: it may use " + bound / (1024 * 1024) + " MB");
    }

    /** The engine is not there; trying again here cannot help. */
    static EngineFailure notFound(String command) {
        return new EngineFailure(
                ENGINE_NOT_FOUND, "the engine '" + command + "' is not installed on this worker", false, false);
    }

    static EngineFailure stalled() {
        return new EngineFailure(ENGINE_STALLED, "the engine wrote nothing for too long and was stopped", false, true);
    }

    static EngineFailure truncated() {
        return new EngineFailure(
                OUTPUT_TRUNCATED, "the engine exited before all of its output was written", false, true);
    }

    static EngineFailure promptTooLong(int tokens, int allowed) {
        return new EngineFailure(
                PROMPT_TOO_LONG,
                "prompt is too long: " + tokens + " tokens, the model's context allows " + allowed,
                true,
                false,
                "prompt");
    }

    /** The engine does not take the request, whoever asks. */
    static EngineFailure invalid(String field, String message) {
        return new EngineFailure(INVALID_REQUEST, message, true, false, field);
    }

    /** No engine can be asked now. */
    static EngineFailure unavailable(String message) {
        return new EngineFailure(ENGINE_UNAVAILABLE, message, false, true);
    }

    static EngineFailure handedOver() {
        return new EngineFailure(HANDED_OVER, "the worker is stopping and hands the request over", false, true);
    }

    static EngineFailure lost() {
        return new EngineFailure(LOST, "the request was taken over by another worker", false, false);
    }
}
