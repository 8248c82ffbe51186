package io.flux.e2e;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;

/**
 * Flux as the {@code flux} script runs it: the packaged jar, extracted, with an archive of its classes, which halves the
 * time that a start takes. Made once for each build; tests start it dozens of times. Where there is no jar, as in an
 * editor, it is run from the folders of the compiler.
 */
final class FluxProgram {
    private static final Path JAR = Path.of("target", "flux.jar").toAbsolutePath();
    private static final Path APP = RunningFlux.HOME.resolve("app");
    private static final Path ARCHIVE = APP.resolve("flux.jsa");
    private static final Path LOCK = RunningFlux.HOME.resolve("app.lock");
    private static final List<String> JAVA = List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xshare:auto",
            "-Xlog:cds=off",
            "-Xlog:cds+dynamic=off");

    private FluxProgram() {}

    /** Made by the class loader, when the first test asks. */
    private static final class Prepared {
        static final List<String> COMMAND = prepare();
    }

    /** The command line that starts Flux, with more options for its JVM. */
    static List<String> command(List<String> javaOptions) {
        List<String> command = new ArrayList<>(Prepared.COMMAND);
        command.addAll(1, javaOptions);
        command.add("io.flux.FluxApplication");
        return command;
    }

    /** The command line of {@code ./flux ask}. */
    static List<String> ask(String... arguments) {
        return program("io.flux.cli.Ask", arguments);
    }

    /** The command line of {@code ./flux bench}. */
    static List<String> bench(String... arguments) {
        return program("io.flux.cli.Bench", arguments);
    }

    private static List<String> program(String mainClass, String... arguments) {
        List<String> command = new ArrayList<>(Prepared.COMMAND);
        command.add(mainClass);
        command.addAll(List.of(arguments));
        return command;
    }

    private static List<String> prepare() {
        if (!Files.exists(JAR)) {
            return java("-cp", compiled());
        }
        try {
            Files.createDirectories(RunningFlux.HOME);
            prepareOnce();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return java(
                "-XX:SharedArchiveFile=" + ARCHIVE,
                "-cp",
                APP.resolve("flux.jar").toString());
    }

    /** Test JVMs run side by side: the first of them prepares it for all. */
    private static void prepareOnce() throws IOException {
        try (FileChannel file = FileChannel.open(LOCK, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock held = file.lock()) {
            if (!held.isValid()) {
                throw new IOException("no lock on " + LOCK);
            }
            if (!Files.exists(ARCHIVE)
                    || Files.getLastModifiedTime(ARCHIVE)
                                    .compareTo(Files.getLastModifiedTime(Path.of(JAR + ".original")))
                            < 0) {
                extract();
                archive();
            }
        }
    }

    private static List<String> java(String... options) {
        List<String> command = new ArrayList<>(JAVA);
        command.addAll(List.of(options));
        return List.copyOf(command);
    }

    private static String compiled() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static void extract() throws IOException {
        run(new ProcessBuilder(
                JAVA.get(0),
                "-Djarmode=tools",
                "-jar",
                JAR.toString(),
                "extract",
                "--force",
                "--destination",
                APP.toString()));
    }

    /** What a Flux with everything in it loads until it is ready. */
    private static void archive() throws IOException {
        Path log = APP.resolve("archive.log");
        List<String> command = new ArrayList<>(java(
                "-XX:ArchiveClassesAtExit=" + ARCHIVE,
                "-cp",
                APP.resolve("flux.jar").toString()));
        command.add("io.flux.FluxApplication");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().keySet().removeIf(variable -> variable.startsWith("FLUX_"));
        builder.environment().put("FLUX_PORT", "0");
        builder.environment().put("FLUX_DATA", APP.resolve("data").toString());
        Process flux = builder.start();
        try {
            Awaitility.await("Flux to be ready: " + log)
                    .atMost(RunningFlux.START)
                    .until(() -> Files.readString(log).contains("Flux worker ready"));
            flux.destroy();
            Assertions.assertThat(flux.waitFor(RunningFlux.STOP.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            flux.destroyForcibly();
        }
    }

    private static void run(ProcessBuilder builder) throws IOException {
        try {
            Assertions.assertThat(builder.inheritIO().start().waitFor()).isZero();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
