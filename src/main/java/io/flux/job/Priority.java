package io.flux.job;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Which of a tenant's waiting jobs go first. Jobs of one priority go in the order of their arrival. */
public enum Priority {
    /** Before all others. */
    @JsonProperty("high")
    HIGH,
    /** Unless the request says otherwise. */
    @JsonProperty("normal")
    NORMAL,
    /** When none of the others waits. */
    @JsonProperty("low")
    LOW
}
