package io.flux.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
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
    private final long startedAt;
    private volatile boolean ready;
    private long readyAt;

    private FluxProcess(String name, Path log, Process process, long startedAt) {
        this.startedAt = startedAt;
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
        long now = System.nanoTime();
        return new FluxProcess(name, log, builder.start(), now);
    }

    /** Starts another program of this jar, with its log in {@code name.log}. Does not wait. */
    static FluxProcess start(Class<?> mainClass, String name, Path folder, String... arguments) throws IOException {
        Path log = folder.resolve(name + ".log");
        List<String> command = java(mainClass.getName());
        command.addAll(List.of(arguments));
        long now = System.nanoTime();
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        return new FluxProcess(name, log, process, now);
    }

    /**
     * The command line that runs a class of this program as {@code flux up} is run, with the archive of classes that this one uses,
     * if any, and with what {@code FLUX_JAVA_OPTS} says.
     */
    private static List<String> java(String mainClass) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+ExitOnOutOfMemoryError",
                "-Xshare:auto",
                "-Xlog:cds=off",
                "-Xlog:cds+dynamic=off"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("-XX:SharedArchiveFile="))
                .forEach(command::add);
        Path options = Path.of(System.getProperty("flux.home", "."), "src/main/jvm.options");
        if (Files.exists(options)) {
            command.add("@" + options.toAbsolutePath());
        }
        String more = System.getenv().getOrDefault("FLUX_JAVA_OPTS", "").strip();
        if (!more.isEmpty()) {
            command.addAll(List.of(more.split("\\s+")));
        }
        command.addAll(List.of("-cp", classPath(), mainClass));
        return command;
    }

    /** The command line that runs a class which needs little: it is there sooner and smaller. */
    static List<String> small(Class<?> mainClass, String... options) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                "-XX:-UsePerfData",
                "-Xmx32m"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", classPath(), mainClass.getName()));
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
            readyAt = ready ? System.nanoTime() : 0;
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

    /** The CPU time that it has used; what it had when it has ended is not known any more. */
    Duration cpu() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** Bytes of memory that it has, as Linux counts them; 0 where it does not tell. */
    long memory() {
        return 1024 * status("VmRSS");
    }

    /** The same once the JVM has collected its garbage, where there is a jcmd to ask it to. */
    long settledMemory() throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        if (!Files.isExecutable(jcmd)) {
            return memory();
        }
        Process collecting = new ProcessBuilder(jcmd.toString(), String.valueOf(pid()), "GC.run")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        collecting.waitFor();
        return memory();
    }

    /** Threads that it has; 0 where Linux does not tell. */
    int threads() {
        return (int) status("Threads");
    }

    private long status(String field) {
        try (Stream<String> lines = Files.lines(Path.of("/proc", String.valueOf(pid()), "status"))) {
            return lines.filter(line -> line.startsWith(field + ":"))
                    .map(line -> line.replaceAll("[^0-9]", ""))
                    .mapToLong(Long::parseLong)
                    .findFirst()
                    .orElse(0);
        } catch (IOException | UncheckedIOException gone) {
            return 0;
        }
    }

    /** The processes that it runs. */
    List<ProcessHandle> children() {
        return process.descendants().toList();
    }

    /** From the start of its process to when it said that it serves, in seconds; NaN before. */
    double readyAfter() {
        return ready ? (readyAt - startedAt) / 1e9 : Double.NaN;
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
