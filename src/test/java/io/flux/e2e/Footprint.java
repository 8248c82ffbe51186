package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a Flux holds of its machine and of Redis, for tests that ask a lot of it and look whether it lets go of everything.
 *
 * @param files open ones, sockets among them
 * @param sockets open ones
 * @param threads of the process
 * @param heap bytes of objects that are reachable
 * @param keys of Redis
 */
record Footprint(int files, int sockets, int threads, long heap, Set<String> keys) {
    /** What grows for good reasons: pools that are not full yet, caches, code that was compiled. */
    private static final int POOLED = 24;

    private static final long CACHED = 24L << 20;

    private static final Duration TIMEOUT = Duration.ofSeconds(90);
    private static final Pattern TOTAL = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)\\s*$");

    /** Looks at it now. */
    static Footprint of(RunningFlux flux, TestRedis redis) {
        return new Footprint(
                open(flux, name -> true),
                open(flux, name -> name.startsWith("socket:")),
                entries(flux, "task"),
                heap(flux),
                new TreeSet<>(redis.commands().keys("*")));
    }

    /** Waits until everything is back where it was at this look. */
    void awaitBackHere(RunningFlux flux, TestRedis redis) {
        await("open files: " + files).atMost(TIMEOUT).until(() -> open(flux, name -> true) <= files + POOLED);
        await("sockets: " + sockets)
                .atMost(TIMEOUT)
                .until(() -> open(flux, name -> name.startsWith("socket:")) <= sockets + POOLED);
        await("threads: " + threads).atMost(TIMEOUT).until(() -> entries(flux, "task") <= threads + POOLED);
        await("keys of Redis")
                .atMost(TIMEOUT)
                .pollInterval(Duration.ofMillis(500))
                .untilAsserted(
                        () -> assertThat(redis.commands().keys("*").stream().filter(key -> !keys.contains(key)))
                                .isEmpty());
        assertThat(heap(flux)).as("heap; it was %d", heap).isLessThan(heap + CACHED);
    }

    private static int open(RunningFlux flux, Predicate<String> counts) {
        try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(flux.pid()), "fd"))) {
            return (int) files.map(Footprint::target).filter(counts).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (NoSuchFileException e) {
            return "closed meanwhile";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int entries(RunningFlux flux, String of) {
        try (Stream<Path> entries = Files.list(Path.of("/proc", Long.toString(flux.pid()), of))) {
            return (int) entries.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** After a full collection, which the histogram of live objects begins with. */
    private static long heap(RunningFlux flux) {
        try {
            Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
            Path output = Files.createTempFile("flux-heap", ".txt");
            Process process = new ProcessBuilder(jcmd.toString(), Long.toString(flux.pid()), "GC.class_histogram")
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("jcmd ends").isTrue();
            String said = Files.readString(output);
            Files.delete(output);
            Matcher total = TOTAL.matcher(said);
            assertThat(total.find())
                    .as(said.lines().limit(5).collect(Collectors.joining("\n")))
                    .isTrue();
            return Long.parseLong(total.group(1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
