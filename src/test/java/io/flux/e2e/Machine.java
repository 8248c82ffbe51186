package io.flux.e2e;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;

/** What a test needs of the machine. Where it is missing the test is skipped, and fails where {@code CI} is set. */
public final class Machine {
    private Machine() {}

    /** The folder of a real llama-completion. */
    static Path llamaFolder() {
        Stream<Path> folders = Stream.concat(
                Stream.of(
                                System.getenv("FLUX_LLAMA_DIR"),
                                System.getProperty("user.home") + "/.cache/flux/llama.cpp/bin")
                        .filter(Objects::nonNull)
                        .map(Path::of),
                path());
        return folders.filter(folder -> Files.isExecutable(folder.resolve("llama-completion")))
                .findFirst()
                .orElseGet(() -> missing("llama-completion is not in FLUX_LLAMA_DIR, PATH or ~/.cache/flux"));
    }

    /** A program somewhere in {@code PATH}. */
    public static Path inPath(String name) {
        return path().map(folder -> folder.resolve(name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseGet(() -> missing(name + " is not installed"));
    }

    /** Whether there is such a program. */
    public static boolean isInPath(String name) {
        return path().anyMatch(folder -> Files.isExecutable(folder.resolve(name)));
    }

    private static Stream<Path> path() {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator)).map(Path::of);
    }

    /** A program at a fixed place. */
    static Path program(String file) {
        Path path = Path.of(file);
        return Files.isExecutable(path) ? path : missing(file + " is not installed");
    }

    /** Never returns. */
    public static Path missing(String what) {
        if (System.getenv("CI") != null) {
            return fail(what + ", and CI must run every test");
        }
        return abort(what);
    }
}
