package io.flux.engine;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.exec.ExecCommand;

/** Shell scripts that stand for engines, started as the real ones are. */
final class FakeEngines implements AutoCloseable {
    /** What llama-completion logs after a run of 12 prompt tokens and 8 generated ones. */
    static final String TIMINGS =
            """
            cat >&2 <<'LOG'
            0.00.062.389 I common_perf_print:    samplers time =       0.09 ms /    20 tokens
            0.00.062.392 I common_perf_print: prompt eval time =       2.23 ms /    12 tokens (    0.19 ms per token)
            0.00.062.393 I common_perf_print:        eval time =       1.85 ms /     7 runs   (    0.26 ms per token)
            0.00.062.395 I common_perf_print:   graph reallocs =          0    /     0        (same size)
            LOG
            """;

    private final Path folder;
    final LiveExec exec;
    final Engines engines;

    FakeEngines(Path folder) {
        this(folder, Duration.ofSeconds(60));
    }

    FakeEngines(Path folder, Duration stall) {
        this(folder, stall, new LiveExec());
    }

    /** @param exec starts them; closed with this */
    FakeEngines(Path folder, LiveExec exec) {
        this(folder, Duration.ofSeconds(60), exec);
    }

    private FakeEngines(Path folder, Duration stall, LiveExec exec) {
        this.folder = folder;
        this.exec = exec;
        this.engines = new Engines(stall);
    }

    /** A program whose stdout is the answer. */
    EngineStream plain(String script) {
        return engines.openPlain(start(script, ""), job());
    }

    /** A program that writes as llama-completion does. */
    EngineStream llama(String script) {
        return engines.open(start(script, ""), job());
    }

    LiveProcess start(String script, String prompt) {
        try {
            Path file = Files.createTempFile(folder, "engine", ".sh");
            Files.writeString(file, script);
            return exec.execute(command("/bin/sh", List.of(file.toString()), folder, prompt));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ExecCommand command(String executable, List<String> args, Path workingDir, String input) {
        return new ExecCommand(
                executable,
                args,
                workingDir == null ? null : workingDir.toString(),
                Long.MAX_VALUE,
                Set.of(),
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                null,
                false,
                LoggingLevel.OFF);
    }

    static EngineJob job() {
        return job("request-1", List.of());
    }

    static EngineJob job(String requestId, List<String> stop) {
        return job(requestId, stop, null);
    }

    static EngineJob job(String requestId, List<String> stop, Duration timeLeft) {
        return EngineJobs.job(requestId, "default", stop, timeLeft);
    }

    /** All texts of a stream as one. */
    static String text(List<EngineOutput> outputs) {
        StringBuilder text = new StringBuilder();
        outputs.forEach(output -> text.append(output instanceof EngineText part ? part.content() : ""));
        return text.toString();
    }

    /** The last output, which must be an end. */
    static EngineEnd end(List<EngineOutput> outputs) {
        return (EngineEnd) outputs.get(outputs.size() - 1);
    }

    static List<EngineOutput> drain(EngineStream stream) {
        List<EngineOutput> outputs = new ArrayList<>();
        stream.forEachRemaining(outputs::add);
        return outputs;
    }

    /** Whether a process does something; a zombie that nobody reaped does not. */
    static boolean isRunning(long pid) {
        if (ProcessHandle.of(pid).isEmpty()) {
            return false;
        }
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
        } catch (IOException gone) {
            return Files.isDirectory(Path.of("/proc/self"))
                    ? false
                    : ProcessHandle.of(pid).isPresent();
        }
    }

    @Override
    public void close() {
        engines.close();
        exec.close();
    }
}
