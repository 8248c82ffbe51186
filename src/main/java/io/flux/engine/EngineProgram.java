package io.flux.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A program that speaks llama-completion's command line: what the engine kamelets put into camel-exec's headers. It is
 * looked for on first use, so that a route can name it on a machine that does not have it. Thread-safe.
 */
public final class EngineProgram {
    private final Supplier<Launch> finder;
    private volatile Launch found;

    /**
     * How to start it.
     *
     * @param executable the program
     * @param leading arguments before llama-completion's own, for a program that is started through another
     * @param command llama-completion's arguments
     */
    public record Launch(String executable, List<String> leading, LlamaCompletionCommand command) {
        public Launch {
            leading = List.copyOf(leading);
        }
    }

    /**
     * @param finder finds the program; throws {@link IllegalStateException} saying what it looked for and where
     */
    public EngineProgram(Supplier<Launch> finder) {
        this.finder = finder;
    }

    /**
     * Finds the program, or says why it cannot.
     *
     * @throws IllegalStateException what was looked for, where, and what to set
     */
    public void find() {
        launch();
    }

    private Launch launch() {
        Launch launch = found;
        if (launch == null) {
            // Twice by two threads at once does no harm.
            launch = finder.get();
            found = launch;
        }
        return launch;
    }

    /** The program, for {@code CamelExecCommandExecutable}. */
    public String executable() {
        return launch().executable();
    }

    /** The arguments for a job, for {@code CamelExecCommandArgs}: nothing but strings, taken verbatim. */
    public List<String> arguments(EngineJob job) {
        List<String> arguments = new ArrayList<>(launch().leading());
        arguments.addAll(launch().command().arguments(job));
        return arguments;
    }

    /** What the program reads from its standard input. */
    public byte[] stdin(EngineJob job) {
        return launch().command().stdin(job);
    }
}
