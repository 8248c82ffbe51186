package io.flux.cli;

import java.io.IOException;
import java.io.PrintStream;

/** What a command says and leaves behind for the shell when it cannot do what it was asked. */
final class Outcome {
    private Outcome() {}

    /** What a command does. Returns its exit code. An {@code IOException} means that nobody reads what it prints. */
    interface Step {
        int take() throws Misuse, FluxError, IOException, InterruptedException;
    }

    /**
     * Does it, and returns the exit code.
     *
     * @param command its name, for its help
     * @param err where problems are told
     */
    static int of(String command, PrintStream err, Step step) throws InterruptedException {
        try {
            return step.take();
        } catch (Misuse e) {
            err.println("flux: " + Plain.harmless(String.valueOf(e.getMessage())));
            err.println("flux " + command + " --help says what there is");
            return ExitCode.MISUSED;
        } catch (FluxError e) {
            err.println("flux: " + Plain.harmless(String.valueOf(e.getMessage())));
            return ExitCode.FAILED;
        } catch (IOException e) {
            return ExitCode.OUTPUT_GONE;
        }
    }
}
