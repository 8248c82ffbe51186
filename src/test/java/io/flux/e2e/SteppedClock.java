package io.flux.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The wall clock of the processes that are started with it, which a test may set while they run; their monotonic clock is the
 * machine's. Real programs under libfaketime.
 */
final class SteppedClock {
    /** Where Debian and its relatives have it, on each architecture. */
    private static final Path LIBRARIES = Path.of("/usr/lib");

    private final Path file;
    private final Path library = library();

    /** @param file holds the difference between this clock and the machine's */
    SteppedClock(Path file) {
        this.file = file;
        set(0);
    }

    private static Path library() {
        try (Stream<Path> folders = Files.list(LIBRARIES)) {
            return folders.map(folder -> folder.resolve("faketime/libfaketimeMT.so.1"))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseGet(() -> Machine.missing("libfaketime is not installed"));
        } catch (IOException e) {
            return Machine.missing("libfaketime is not installed");
        }
    }

    /**
     * Sets the clock; the processes see it within a second.
     *
     * @param seconds ahead of the machine's clock; negative: behind it
     */
    void set(long seconds) {
        Path next = file.resolveSibling(file.getFileName() + ".next");
        try {
            Files.writeString(next, "%+ds%n".formatted(seconds));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a process needs in its environment to go by this clock. */
    Map<String, String> environment() {
        return Map.of(
                // Of a program with a malloc of its own, that asks for the time before this library is ready, the C
                // library's.
                "LD_PRELOAD", library + " libc.so.6",
                "FAKETIME_TIMESTAMP_FILE", file.toAbsolutePath().toString(),
                "FAKETIME_CACHE_DURATION", "1",
                "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                // Its correction for an old C library ends the JVM's timed waits at once.
                "FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }
}
