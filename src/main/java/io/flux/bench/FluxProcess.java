package io.flux.bench;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A part of Flux as a process of its own, run by the Java and out of the jar that this program is run by and out of.
 * Environment variables that begin with {@code FLUX_} are not handed on.
 */
final class FluxProcess {
    /** 128 and SIGTERM. */
    private static final int TERMINATED = 143;

    private static final Pattern ADDRESS = Pattern.compile("Flux gateway ready at http://([^:/]+):(\\d+)");

    private final String name;
    private final Path log;
    private final Process process;
    private volatile boolean ready;

    private FluxProcess(String name, Path log, Process process) {
        this.name = name;
        this.log = log;
        this.process = process;
    }

    /**
     * Starts it, and does not wait.
     *
     * @param folder of its log, {@code name.log}
     * @param options by their environment variables
     */
    static FluxProcess start(String name, Path folder, Map<String, String> options) throws IOException {
        Path log = folder.resolve(name + ".log");
        ProcessBuilder builder = new ProcessBuilder(java("io.flux.FluxApplication"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().keySet().removeIf(variable -> variable.startsWith("FLUX_"));
        builder.environment().put("FLUX_PORT", "0");
        builder.environment().put("FLUX_ID", name);
        builder.environment().put("FLUX_DATA", folder.toString());
        builder.environment().putAll(options);
        return new FluxProcess(name, log, builder.start());
    }

    /** The command line that runs a class of this program, with the archive of classes that this one uses, if any. */
    static List<String> java(String mainClass, String... options) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-Xlog:cds=off",
                "-Xlog:cds+dynamic=off"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("-XX:SharedArchiveFile="))
                .forEach(command::add);
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", classPath(), mainClass));
        return command;
    }

    private static String classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .reduce((before, after) -> before + File.pathSeparator + after)
                .orElseThrow();
    }

    String name() {
        return name;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Whether it has said that it serves. Reads its log until it has. */
    boolean isReady() throws IOException {
        if (!ready) {
            String said = said();
            ready = said.contains("Flux gateway ready") || said.contains("Flux worker ready");
        }
        return ready;
    }

    /** Everything that it has printed. */
    String said() throws IOException {
        return Files.readString(log);
    }

    /**
     * Waits until it serves.
     *
     * @throws IOException when it ends before that, or does not serve in time; the message holds its log
     */
    void awaitReady(Duration patience) throws IOException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!isReady()) {
            if (!isAlive()) {
                throw new IOException(name + " ended instead of serving; it said:\n" + said());
            }
            if (System.nanoTime() > end) {
                throw new IOException(
                        name + " does not serve after " + patience.toSeconds() + " s; it said:\n" + said());
            }
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
    }

    /** The port of a gateway that serves. */
    int port() throws IOException {
        Matcher matcher = ADDRESS.matcher(said());
        if (!matcher.find()) {
            throw new IOException(name + " does not say where it listens");
        }
        return Integer.parseInt(matcher.group(2));
    }

    /** SIGTERM. Does not wait. */
    void terminate() {
        process.destroy();
    }

    /** SIGKILL, and its engines too. Does not wait. */
    void kill() {
        List<ProcessHandle> engines = process.descendants().toList();
        process.destroyForcibly();
        engines.forEach(ProcessHandle::destroyForcibly);
    }

    /** Waits until it is gone. Returns false when it is not. */
    boolean awaitEnd(Duration patience) throws InterruptedException {
        return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Whether one that is gone did all that it does on SIGTERM: a JVM then ends with the signal's code, unless it was killed. */
    boolean endedAsTold() {
        return process.exitValue() == 0 || process.exitValue() == TERMINATED;
    }
}
