package io.flux.e2e;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A real process that stands for llama-completion and does what the first line of its prompt says; see
 * {@code e2e/llama-completion} for the verbs. Prompts go to it as they are: workers run with the template {@code none}.
 */
final class FakeEngine {
    private static final String NAME = "llama-completion";

    private final Path folder;

    /** One run of the engine, as it noted itself. */
    record Run(long pid, long workerPid, String prompt) {
        boolean isAlive() {
            return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
        }
    }

    /** @param folder empty, and this engine's own */
    FakeEngine(Path folder) {
        this.folder = folder;
        Path script = folder.resolve(NAME);
        try (InputStream in = FakeEngine.class.getResourceAsStream("/e2e/" + NAME)) {
            Files.createDirectories(folder);
            Files.copy(in, script);
            if (!script.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + script + " executable");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What {@code FLUX_LLAMA_DIR} must name. */
    Path folder() {
        return folder;
    }

    /** Lets the engines go on that wait at this gate, and mends those that break while it is shut. */
    void open(String gate) {
        try {
            Files.createFile(folder.resolve(gate + ".open"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the verb {@code story} writes. */
    static String story(int words) {
        return IntStream.rangeClosed(1, words).mapToObj(word -> word + "-word ").collect(Collectors.joining());
    }

    /** All runs with this first line, oldest first. */
    List<Run> runs(String prompt) {
        return runs().stream()
                .filter(run -> run.prompt().equals(prompt.strip()))
                .toList();
    }

    /** All runs so far, oldest first. */
    List<Run> runs() {
        Path notes = folder.resolve("runs");
        try {
            if (!Files.exists(notes)) {
                return List.of();
            }
            return Files.readAllLines(notes).stream()
                    .map(line -> line.split(" ", 3))
                    .map(parts -> new Run(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2].strip()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
