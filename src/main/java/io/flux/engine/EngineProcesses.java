package io.flux.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How the process of an engine is prepared: what it finds in its environment, and how much memory it may use.
 *
 * <p>It inherits only what programs need to run and engines are set up with, see {@link #isForEngines}: Flux's own
 * environment holds keys and passwords. {@code FLUX_ENGINE_…} is for what else an operator wants an engine to know.
 *
 * <p>The bound is the kernel's {@code RLIMIT_DATA}: what the process allocates, a model's file that is mapped not
 * included. A program that is refused memory says so and ends. Without Linux there is no bound.
 */
final class EngineProcesses {
    private static final Set<String> NAMES = Set.of(
            "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME");
    /** Libraries, their threads and accelerators. */
    private static final Pattern FAMILIES =
            Pattern.compile("(LC|LD|DYLD|CUDA|NVIDIA|HIP|ROCR|ROCM|HSA|GPU|ZE|ZES|ONEAPI|SYCL"
                    + "|VK|GGML|LLAMA|OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|MALLOC)_.+");
    /** A family may hold some too, such as LLAMA_API_KEY. */
    private static final Pattern SECRETS = Pattern.compile(".*(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL).*");

    private static final String OPERATORS_OWN = "FLUX_ENGINE_";
    private static final boolean LINUX =
            System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");
    /** $0: KiB. A bound that is lower already stays. */
    private static final String BOUNDED = "ulimit -d \"$0\" 2>/dev/null; exec \"$@\"";

    private static final int KIB = 1024;

    private EngineProcesses() {}

    /**
     * Prepares a command.
     *
     * @param memory bytes that it may allocate; 0 for no bound
     */
    static ProcessBuilder builder(List<String> command, long memory) {
        ProcessBuilder builder = new ProcessBuilder(bounded(command, memory));
        builder.environment().keySet().removeIf(name -> !isForEngines(name));
        return builder;
    }

    /** The command that runs a command with that bound, as the same process. */
    static List<String> bounded(List<String> command, long memory) {
        if (memory == 0 || !LINUX) {
            return command;
        }
        List<String> line = new ArrayList<>(List.of("/bin/sh", "-c", BOUNDED, Long.toString(memory / KIB)));
        line.addAll(command);
        return line;
    }

    /** Whether a variable of Flux's environment is one of an engine's too. */
    static boolean isForEngines(String name) {
        return NAMES.contains(name)
                || name.startsWith(OPERATORS_OWN)
                || (FAMILIES.matcher(name).matches() && !SECRETS.matcher(name).matches());
    }
}
