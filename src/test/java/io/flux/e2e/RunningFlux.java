package io.flux.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;

/**
 * Flux in a JVM of its own, as a user starts it: configured by environment variables, stopped by SIGTERM. Nothing of it
 * outlives {@link #close} or this JVM. Its log is {@code target/e2e/<name>.log}.
 */
final class RunningFlux implements AutoCloseable {
    static final Path HOME = Path.of("target", "e2e").toAbsolutePath();

    /** Waiting bounds, generous: a machine with two busy cores is slow. */
    static final Duration START = Duration.ofSeconds(60);

    static final Duration STOP = Duration.ofSeconds(40);

    private static final Pattern ADDRESS =
            Pattern.compile("(?:Flux gateway ready|Health and metrics) at (http[^\\s\"]+)");
    private static final Set<RunningFlux> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(RunningFlux::kill)));
    }

    private final HttpClient http = HttpClient.newHttpClient();
    private final Path logFile;
    private final List<String> ready;
    private final Process process;
    private URI address;

    private RunningFlux(Path logFile, List<String> ready, Process process) {
        this.logFile = logFile;
        this.ready = ready;
        this.process = process;
        RUNNING.add(this);
    }

    /** @param name of the log file and, unless set, of the data folder */
    static Setup named(String name) {
        return new Setup(name);
    }

    /** What to start. */
    static final class Setup {
        private final String name;
        private final Map<String, String> environment = new TreeMap<>();
        private final List<String> javaOptions = new ArrayList<>();
        private List<String> ready = List.of("Flux gateway ready", "Flux worker ready");

        private Setup(String name) {
            this.name = name;
            set("FLUX_PORT", 0);
            set("FLUX_ROUTES", Path.of("routes").toAbsolutePath());
            set("FLUX_DATA", HOME.resolve(name + ".data"));
        }

        Setup set(String variable, Object value) {
            environment.put(variable, value.toString());
            return this;
        }

        /** More options of the JVM. */
        Setup java(String... options) {
            javaOptions.addAll(List.of(options));
            return this;
        }

        /** Times so short that a test need not wait for what takes seconds by default. */
        Setup impatient() {
            return set("FLUX_LEASE", "1s")
                    .set("FLUX_LEASE_RENEWAL", "250ms")
                    .set("FLUX_REAP", "200ms")
                    .set("FLUX_BACKOFF", "10ms");
        }

        /** One process that only takes requests. */
        Setup gateway() {
            ready = List.of("Flux gateway ready");
            return set("FLUX_BUNDLES", "gateway").set("FLUX_MODEL", "default");
        }

        /** One process that only runs engines. */
        Setup worker() {
            ready = List.of("Flux worker ready");
            return set("FLUX_BUNDLES", "worker");
        }

        Setup redis(TestRedis redis) {
            return set("FLUX_REDIS_URL", redis.url());
        }

        Setup engine(FakeEngine engine) {
            return llamaCompletion(engine.folder()).set("FLUX_TEMPLATE", "none");
        }

        Setup llamaCompletion(Path folder) {
            return set("FLUX_ENGINE", "llama-completion").set("FLUX_LLAMA_DIR", folder);
        }

        /** Waits for these words in the log instead of for readiness. */
        Setup until(String... words) {
            ready = List.of(words);
            return this;
        }

        /** Starts the process and waits until it is ready. */
        RunningFlux start() {
            return launch().awaitReady();
        }

        /** Starts a process that must end by itself, with an exit code that says so, and returns its log. */
        String failToStart() {
            return launch().awaitFailure();
        }

        /** Starts the process and does not wait: others may start beside it. */
        RunningFlux launch() {
            Path log = HOME.resolve(name + ".log");
            try {
                Files.createDirectories(HOME);
                ProcessBuilder builder = new ProcessBuilder(FluxProgram.command(javaOptions))
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile());
                builder.environment().keySet().removeIf(variable -> variable.startsWith("FLUX_"));
                builder.environment().putAll(environment);
                return new RunningFlux(log, ready, builder.start());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Waits until the process is ready; one that ends instead is an error that shows its log. */
    RunningFlux awaitReady() {
        try {
            Awaitility.await("Flux to be ready: " + logFile)
                    .atMost(START)
                    .pollInterval(Duration.ofMillis(20))
                    .failFast(() -> {
                        // One that was ready may be killed by its first job.
                        if (!process.isAlive() && !isReady()) {
                            throw new IllegalStateException("Flux ended; its log says:\n" + log());
                        }
                    })
                    .until(this::isReady);
            Matcher matcher = ADDRESS.matcher(log());
            if (matcher.find()) {
                address = URI.create(matcher.group(1));
            }
            return this;
        } catch (RuntimeException | Error e) {
            kill();
            throw e;
        }
    }

    /** Waits until the process has ended by itself, with an exit code that says that it failed, and returns its log. */
    String awaitFailure() {
        try (this) {
            Awaitility.await("Flux to give up: " + logFile).atMost(START).until(() -> !process.isAlive());
            Assertions.assertThat(process.exitValue()).isNotZero();
            return log();
        }
    }

    /** Whether it has said that it is ready. */
    boolean isReady() {
        String log = log();
        return ready.stream().allMatch(log::contains);
    }

    /** Asks several processes to end, and waits for all of them; those that are null were not started. */
    static void closeAll(RunningFlux... processes) {
        List<RunningFlux> started =
                Stream.of(processes).filter(Objects::nonNull).toList();
        started.forEach(RunningFlux::terminate);
        started.forEach(RunningFlux::close);
    }

    FluxSocket connect() {
        return FluxSocket.connect(webSocket(""));
    }

    /** The WebSocket door. */
    URI webSocket(String query) {
        return URI.create("ws://" + address.getAuthority() + "/ws/generate" + query);
    }

    URI http(String path) {
        return address.resolve(path);
    }

    HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(http(path)).build());
    }

    HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Everything that the process has printed. */
    String log() {
        try {
            return Files.exists(logFile) ? Files.readString(logFile) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long pid() {
        return process.pid();
    }

    /** The processes that this one has started, directly or not. */
    List<ProcessHandle> descendants() {
        return process.descendants().toList();
    }

    /** The port that clients know. */
    int port() {
        return address.getPort();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Kills the process as the kernel does when memory is short, and waits until it is gone. Its engines are left. */
    void kill9() {
        process.destroyForcibly();
        Assertions.assertThat(ended()).isTrue();
    }

    /** Stops the process in the middle of what it does, until {@link #thaw}. */
    void freeze() {
        signal("STOP");
    }

    /** Lets a frozen process go on. */
    void thaw() {
        signal("CONT");
    }

    /** Sends SIGTERM and does not wait. */
    void terminate() {
        process.destroy();
    }

    /** Waits until the process has ended by itself. */
    void awaitEnd() {
        Assertions.assertThat(ended()).as("%s ends", logFile).isTrue();
    }

    private void signal(String name) {
        try {
            Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start();
            Assertions.assertThat(kill.waitFor()).isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Asks the process to end, as Ctrl-C and Kubernetes do, and waits for it; false when it does not. */
    boolean stop() {
        process.destroy();
        return ended();
    }

    private boolean ended() {
        try {
            return process.waitFor(STOP.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void kill() {
        List<ProcessHandle> all = new ArrayList<>(descendants());
        process.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
        RUNNING.remove(this);
    }

    @Override
    public void close() {
        if (process.isAlive() && !stop()) {
            kill();
        }
        RUNNING.remove(this);
    }
}
