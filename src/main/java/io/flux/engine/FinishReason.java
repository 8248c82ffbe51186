package io.flux.engine;

import java.util.Locale;

/** Why an answer ended when nothing went wrong. */
public enum FinishReason {
    /** The model ended it, or a stop text came. */
    STOP,
    /** The token budget or the model's context is used up. */
    LENGTH,
    /** The client took the request back. */
    CANCELLED,
    /** The request's time was over. */
    DEADLINE;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name on the wire: {@code stop}, {@code length}, {@code cancelled}, {@code deadline}. */
    public String wireName() {
        return wireName;
    }
}
