package io.flux.ledger;

/**
 * What a cancel found.
 *
 * @param outcome what became of the job
 * @param model the job's model; null when unknown
 * @param worker the worker that runs it; null unless running
 */
public record Cancelled(Outcome outcome, String model, String worker) {
    /** What became of the job. */
    public enum Outcome {
        /** It waited and has ended; its id is still to be taken from the queue. */
        ENDED,
        /** It runs; its worker is to be told. */
        RUNNING,
        /** It had ended before. */
        DONE,
        /** There is no such job. */
        UNKNOWN
    }
}
