package io.flux.gateway;

/**
 * What an HTTP client is shown of a job: each door has its own. One object for each answer; its methods are called one at
 * a time, in the order of the events.
 */
public interface Rendition {
    /**
     * The next event.
     *
     * @param frame its JSON, as clients of the WebSocket see it; an error without {@code seq} answers the request itself
     */
    void event(String frame, HttpAnswer answer);

    /** Nothing has come for a while: a client that reads a stream may be shown that it is not forgotten. */
    default void heartbeat(HttpAnswer answer) {}

    /** The client has all there is of the job already. */
    void over(HttpAnswer answer);

    /** This gateway stops before the job has ended: the client is to come again. */
    void interrupted(HttpAnswer answer);
}
