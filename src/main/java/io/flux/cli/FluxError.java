package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;

/** Flux did not do what it was asked, or did not answer; the message says so to a reader. */
final class FluxError extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean lasting;

    /**
     * @param lasting whether the same is to be expected of whatever else would be asked now
     */
    FluxError(String message, boolean lasting) {
        super(message);
        this.lasting = lasting;
    }

    boolean isLasting() {
        return lasting;
    }

    /** The service's own words, from an error event. */
    static String words(JsonNode event) {
        long retry = event.path("retry_after_ms").asLong(0);
        return event.path("code").asText("error")
                + ": "
                + event.path("error").asText("no reason given")
                + (retry > 0 ? "; try again in " + Display.time(retry) : "");
    }
}
