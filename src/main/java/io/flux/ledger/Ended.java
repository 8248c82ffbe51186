package io.flux.ledger;

/**
 * What became of a job that was to be ended from outside.
 *
 * @param outcome what was found
 * @param model the job's model; null when unknown
 * @param worker the worker that runs it; null unless running
 */
public record Ended(Outcome outcome, String model, String worker) {
    /** What was found. */
    public enum Outcome {
        /** It waited and has ended; it is still to be taken off its model's lists. */
        ENDED,
        /** It runs; its worker is to be told. */
        RUNNING,
        /** It had ended before. */
        DONE,
        /** It had ended before, as a dead letter: it stays where it is until it is buried. */
        DEAD,
        /** There is no such job. */
        UNKNOWN
    }
}
