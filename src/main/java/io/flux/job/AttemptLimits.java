package io.flux.job;

/**
 * How often a job is tried.
 *
 * @param failures how many attempts may fail by the job's own fault, as far as that can be told
 * @param attempts how many there may be, whatever became of them
 */
public record AttemptLimits(int failures, int attempts) {
    /**
     * An engine that loses the end of its output, or a worker that dies after it has written, is no sign of a bad job:
     * the next attempt goes on where the text stopped. There are that many attempts for each that may fail.
     */
    private static final int PATIENCE = 10;

    /** The limits for a number of attempts that may fail. */
    public static AttemptLimits of(int failures) {
        return new AttemptLimits(failures, failures * PATIENCE);
    }
}
