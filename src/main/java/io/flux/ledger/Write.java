package io.flux.ledger;

/** What the ledger answers to a worker that writes. */
public enum Write {
    /** Done. */
    OK,
    /** Done, and the job is to be stopped: somebody cancelled it. */
    CANCELLED,
    /** Refused: another attempt owns the job. Stop, and write no more. */
    FENCED
}
