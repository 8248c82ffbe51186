package io.flux.cli;

import java.io.IOException;
import java.nio.file.Path;

/** Something that {@code flux bench} can measure, with its options. */
interface BenchCommand {
    /**
     * Measures and prints. Blocks until it is done.
     *
     * @param folder for logs and data; empty
     * @return whether nothing was lost: else the logs are kept
     */
    boolean run(Path folder) throws FluxError, IOException, InterruptedException;
}
