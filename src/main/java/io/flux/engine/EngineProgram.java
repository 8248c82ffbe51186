package io.flux.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * A program that speaks llama-completion's command line, ready to be run: what the engine kamelets put into camel-exec's
 * headers. Immutable.
 */
public final class EngineProgram {
    private final String executable;
    private final List<String> leading;
    private final LlamaCompletionCommand command;

    /**
     * @param executable the program
     * @param leading arguments before llama-completion's own, for a program that is started through another
     * @param command llama-completion's arguments
     */
    public EngineProgram(String executable, List<String> leading, LlamaCompletionCommand command) {
        this.executable = executable;
        this.leading = List.copyOf(leading);
        this.command = command;
    }

    /** The program, for {@code CamelExecCommandExecutable}. */
    public String executable() {
        return executable;
    }

    /** The arguments for a job, for {@code CamelExecCommandArgs}: nothing but strings, taken verbatim. */
    public List<String> arguments(EngineJob job) {
        List<String> arguments = new ArrayList<>(leading);
        arguments.addAll(command.arguments(job));
        return arguments;
    }

    /** What the program reads from its standard input. */
    public byte[] stdin(EngineJob job) {
        return command.stdin(job);
    }
}
