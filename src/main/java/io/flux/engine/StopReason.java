package io.flux.engine;

/** Why Flux ends an engine that would go on writing. */
public enum StopReason {
    /** The client took the request back, or nobody listens any more. */
    CANCELLED,
    /** The request's time is over. */
    DEADLINE,
    /** The engine wrote nothing for too long. */
    STALLED,
    /** This worker is stopping: another one is to go on with the request. */
    HANDED_OVER,
    /** The request is no longer this worker's: another attempt owns it, or the worker cannot go on. */
    LOST
}
