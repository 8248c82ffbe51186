package io.flux.ledger;

/** What the creation of a job found under its id. */
public enum Created {
    /** Nothing: the job is new and waits for its place in the queue. */
    NEW,
    /** The same request, queued or further: follow that job. */
    EXISTS,
    /** Another request. */
    CONFLICT
}
