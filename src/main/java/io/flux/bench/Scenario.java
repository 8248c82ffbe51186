package io.flux.bench;

import java.io.IOException;

/** Something that a Flux is put through, and what is found. */
public interface Scenario {
    /** A word for command lines and files. */
    String name();

    /** What it measures, in one line. */
    String about();

    /** Whether it runs only when its name is given: it takes long. */
    default boolean onlyByName() {
        return false;
    }

    /**
     * Does it, with processes of its own, and ends them. Blocks.
     *
     * @throws IOException when a part of Flux does not start, or something that must come does not
     */
    Finding run(Stage stage) throws IOException, InterruptedException;
}
