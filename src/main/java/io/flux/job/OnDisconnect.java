package io.flux.job;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;

/** What becomes of a job that nobody follows any more. */
public enum OnDisconnect {
    /** It is cancelled at once. */
    @JsonProperty("cancel")
    CANCEL,
    /** It is cancelled when nobody came back within the grace time. */
    @JsonProperty("grace")
    GRACE,
    /** It runs to its end. */
    @JsonProperty("finish")
    FINISH;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name on the wire: {@code cancel}, {@code grace}, {@code finish}. */
    public String wireName() {
        return wireName;
    }
}
