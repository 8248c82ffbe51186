package io.flux.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What operators are told of a job for which no attempt was left. Kept with the dead letter, and not sent to clients.
 *
 * @param code the error's code, as the client got it
 * @param error the error in a sentence, as the client got it
 * @param attempts how many attempts there were
 * @param exitCode the engine's exit code in the last one; null when it was not an engine that ended
 * @param stderr the end of what the engine wrote to stderr in the last one; may be empty
 * @param worker the worker of the last one; null when not known
 * @param diedMs when, in ms since 1970
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record FailureReport(
        @JsonProperty("code") String code,
        @JsonProperty("error") String error,
        @JsonProperty("attempts") int attempts,
        @JsonProperty("exit_code") Integer exitCode,
        @JsonProperty("stderr") String stderr,
        @JsonProperty("worker") String worker,
        @JsonProperty("died_ms") long diedMs) {}
