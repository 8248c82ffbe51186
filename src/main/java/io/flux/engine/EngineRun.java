package io.flux.engine;

import java.io.IOException;

/**
 * What writes one answer: a process, or a server that was asked. It knows how to read it and how to end it; when it is to
 * end, and what a text means, is {@link EngineStream}'s to say.
 *
 * <p>One thread reads. {@link #kill}, {@link #killLeftovers} and {@link #release} are for any thread and do not wait.
 */
interface EngineRun {
    /**
     * How a run ended that was not stopped.
     *
     * @param rest text that became certain with the end; empty when it failed
     * @param end how it ended
     */
    record Ending(String rest, EngineEnd end) {}

    /**
     * Waits for the next piece of text, and for no more than that.
     *
     * @return what is certain to be the answer's, in whole characters; empty when what came is none; null at the end
     * @throws IOException when it cannot be read to its end; to the reader the same as the end
     */
    String read() throws IOException;

    /** How it ended; asked once, after {@link #read} gave null. Waits, but not long, for what comes after the text. */
    Ending end();

    /** Ends it at once, and with it a {@link #read} that waits. */
    void kill();

    /** Ends whoever keeps a reader waiting that {@link #kill} did not wake. May take longer to do. */
    void killLeftovers();

    /** Nobody reads any more: ends it if it goes on still. */
    void release();

    /** Waits, but not long, until a run that was killed is gone. */
    void awaitStopped();

    /** An end that was not the run's own, with the counts of tokens that the run knows by now. */
    EngineEnd counted(EngineEnd end);

    /** The end of what it said beside the answer, for operators; empty when that is nothing. */
    String log();
}
