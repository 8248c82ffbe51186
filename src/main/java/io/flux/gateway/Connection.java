package io.flux.gateway;

/**
 * A client's way back, whatever its transport. Sending never blocks and never waits for the client.
 *
 * <p>Implementations are thread-safe and keep the order of calls made by one thread.
 */
public interface Connection {
    /** What the transport calls this connection; unique within the process. */
    String key();

    /** Hands over a frame; dropped when the connection is closed. */
    void send(String frame);

    /**
     * The client asked for what comes after the end of a job that it has all of.
     *
     * @param ticket the frame that others are told then
     */
    default void over(String ticket) {
        send(ticket);
    }

    /** The connection follows nothing any more, and has been sent all that there was. */
    default void idle() {}

    /** Whether the client is so far behind that nothing more should be sent now. */
    boolean isBehind();

    /**
     * Runs {@code action} once, when the client has caught up; at once when it is not behind.
     *
     * @param action short, called on any thread
     */
    void whenCaughtUp(Runnable action);

    /** Asks the client for a sign of life; false when it has not given one for several times. */
    boolean ping();

    /** The client has gone: nothing is sent any more. */
    void closed();

    /** Ends the connection with a WebSocket close code or its like. */
    void close(int code, String reason);
}
