package io.flux.engine;

import java.io.IOException;

/**
 * What a kind of server means by what it answers. One for each call; for one thread.
 *
 * @see HttpRun who reads the events
 */
interface AnswerDecoder {
    /**
     * Takes the data of the next event.
     *
     * @return its text; empty when it has none
     * @throws IOException when it is not understood: the answer ends here, and failed
     */
    String accept(String data) throws IOException;

    /** How the answer ended, as its events told; null as long as none did. Asked when no more will come. */
    EngineEnd end();

    /** Tokens of the prompt, as far as events told; or null. */
    Integer promptTokens();

    /** Tokens of the answer so far, as far as events told; or null. */
    Integer completionTokens();

    /**
     * What it means that the server answers with another status than 200.
     *
     * @param status HTTP's
     * @param body what it says about it, at most 64 KiB
     */
    EngineFailure refusal(int status, String body);

    /** The server says that it is done: {@code [DONE]} came. */
    default void done() {}

    /** What the server said as operators may see it. */
    default String log(String text) {
        return text;
    }
}
