package io.flux.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How llama-server is started, one process for a model. Immutable.
 *
 * <p>Why each fixed flag is there:
 *
 * <ul>
 *   <li>{@code --parallel}: as many jobs at the same time as the worker has slots, in one batch.
 *   <li>{@code -c}: all slots' contexts together; each gets its share, rounded up to 256 tokens.
 *   <li>{@code --host 127.0.0.1 --port 0}: for this machine only; the system chooses a free port, and the log names it.
 *   <li>{@code --poll 0}: threads that wait do not burn a core that others need.
 *   <li>{@code --no-context-shift}: at the end of the context the answer ends with {@code length}; llama-server does not
 *       silently forget the prompt, whatever the build's default.
 * </ul>
 *
 * <p>A chat template's name is one only without the Jinja engine; with it, it would be taken for a template's text, and
 * each prompt would be that name. The environment switches it off, as not every build has the flag.
 */
final class LlamaServerCommand {
    private final Path executable;
    private final Path modelFile;
    private final int slots;
    private final int threads;
    private final Integer contextTokens;
    private final String template;
    private final List<String> extraArgs;

    /**
     * @param executable llama-server
     * @param modelFile the GGUF
     * @param slots jobs at the same time, at least 1
     * @param threads for all slots together, at least 1
     * @param contextTokens of one slot, or null for the model's own
     * @param template the name of one of llama.cpp's chat templates, or null for the model's own
     * @param extraArgs appended as they are, so that they win; may be empty
     */
    LlamaServerCommand(
            Path executable,
            Path modelFile,
            int slots,
            int threads,
            Integer contextTokens,
            String template,
            List<String> extraArgs) {
        if (slots < 1 || threads < 1) {
            throw new IllegalArgumentException("slots and threads must be at least 1, not " + slots + ", " + threads);
        }
        this.executable = executable.toAbsolutePath();
        this.modelFile = modelFile.toAbsolutePath();
        this.slots = slots;
        this.threads = threads;
        this.contextTokens = contextTokens;
        this.template = template;
        this.extraArgs = List.copyOf(extraArgs);
    }

    /** The command and its arguments. */
    List<String> line() {
        List<String> line = new ArrayList<>(List.of(executable.toString(), "-m", modelFile.toString()));
        line.addAll(List.of("--host", "127.0.0.1", "--port", "0"));
        line.addAll(List.of("--parallel", Integer.toString(slots)));
        line.addAll(List.of("-t", Integer.toString(threads), "-tb", Integer.toString(threads)));
        line.addAll(List.of("--poll", "0", "--no-context-shift"));
        if (contextTokens != null) {
            line.addAll(List.of("-c", Long.toString((long) contextTokens * slots)));
        }
        if (template != null) {
            line.addAll(List.of("--chat-template", template));
        }
        line.addAll(extraArgs);
        return line;
    }

    /**
     * What it finds in its environment.
     *
     * @param key who asks must have it; not an argument, which everybody sees in {@code ps}
     */
    Map<String, String> environment(String key) {
        Map<String, String> environment = new HashMap<>();
        environment.put("LLAMA_API_KEY", key);
        environment.put("OMP_WAIT_POLICY", System.getenv().getOrDefault("OMP_WAIT_POLICY", "passive"));
        if (template != null) {
            environment.put("LLAMA_ARG_JINJA", "0");
        }
        return environment;
    }

    int slots() {
        return slots;
    }

    Integer contextTokens() {
        return contextTokens;
    }
}
