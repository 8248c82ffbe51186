package io.flux.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * A program that speaks llama-completion's command line: what the engine kamelets put into camel-exec's headers. It is
 * looked for on first use, for each model, so that a route can name it on a machine that does not have it. Thread-safe.
 */
public final class EngineProgram {
    private final Function<String, Launch> finder;
    private final Map<String, Launch> found = new ConcurrentHashMap<>();

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
     * @param finder finds the program for a model; throws {@link IllegalStateException} saying what it looked for and where
     */
    public EngineProgram(Function<String, Launch> finder) {
        this.finder = finder;
    }

    /**
     * Finds the program for a model, or says why it cannot.
     *
     * @throws IllegalStateException what was looked for, where, and what to set
     */
    public void find(String model) {
        launch(model);
    }

    private Launch launch(String model) {
        return found.computeIfAbsent(model, finder);
    }

    /** The program, for {@code CamelExecCommandExecutable}. */
    public String executable(EngineJob job) {
        return launch(job.model()).executable();
    }

    /** The arguments for a job, for {@code CamelExecCommandArgs}: nothing but strings, taken verbatim. */
    public List<String> arguments(EngineJob job, Completion completion) {
        Launch launch = launch(job.model());
        List<String> arguments = new ArrayList<>(launch.leading());
        arguments.addAll(launch.command().arguments(job, completion));
        return arguments;
    }

    /** What the program reads from its standard input. */
    public byte[] stdin(EngineJob job, Completion completion) {
        return launch(job.model()).command().stdin(completion);
    }
}
