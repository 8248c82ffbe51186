package io.flux.engine;

import java.util.Objects;

/**
 * A step of an engine's kamelet found that the engine cannot be asked. It does not leave the kamelet: {@link
 * Engines#failed} makes the call's end of it.
 */
public final class EngineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient EngineFailure failure;

    public EngineException(EngineFailure failure) {
        super(Objects.requireNonNull(failure, "failure").message());
        this.failure = failure;
    }

    /** What the client and the worker are to know. */
    public EngineFailure failure() {
        return failure;
    }
}
