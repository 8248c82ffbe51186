package io.flux.job;

import com.fasterxml.jackson.annotation.JsonProperty;

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
    FINISH
}
