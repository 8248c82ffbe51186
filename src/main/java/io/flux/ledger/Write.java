package io.flux.ledger;

/** What the ledger answers to a worker that writes. */
public enum Write {
    /** Done. */
    OK,
    /** Done, and the job is to be stopped: somebody cancelled it, or nobody follows it any more. */
    CANCELLED,
    /** Done, and the job is to be stopped: its time is over. */
    DEADLINE,
    /** Refused: another attempt owns the job. Stop, and write no more. */
    FENCED
}
