package io.flux.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.TemplateMarkers;
import io.flux.retry.GrowingPause;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's llama-server: starts it, says whether it can be asked, and starts it again when it ends or no longer answers.
 *
 * <pre>
 *   start() ─▶ STARTING ── /health answers 200 ─▶ READY ─ ─ probe unanswered ─ ─▶ SILENT ── for too long ─▶ killed
 *                 ▲ │                              │ ▲                             │                          │
 *                 │ └────────── exits ──────────┐  │ └───────── answers ───────────┘                          │
 *                 │                             ▼  ▼ exits                                                    │
 *                 └── after a pause ──────── BACKOFF ◀────────────────────────────────────────────────────────┘
 *
 *   close(), from everywhere ─▶ CLOSED: SIGTERM, then SIGKILL; nothing is left of it
 * </pre>
 *
 * <p>The gate is open in READY and closed everywhere else, with the reason. The pauses get longer until it was ready for a
 * while. Loading may take as long as it takes.
 *
 * <p>The server listens on a loopback port that the system chooses, and wants a key that is new with each start: without
 * one any web page that is open on this machine could use it.
 *
 * <p>Two daemon threads, ended by {@link #close}: one supervises, one reads the log. Methods are for any thread.
 */
public final class LlamaServer implements ModelEngine {
    private static final Logger LOG = LoggerFactory.getLogger(LlamaServer.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int KEY_BYTES = 32;
    private static final int OK = 200;
    private static final int SIGNAL_BASE = 128;
    private static final Duration STOP_GRACE = Duration.ofSeconds(3);
    private static final String LOADING = "llama-server is loading the model";
    /** With all roles, and for templates that do not take each of them. */
    private static final List<String> CONVERSATIONS = List.of(
            "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},"
                    + "{\"role\":\"assistant\",\"content\":\"c\"},{\"role\":\"user\",\"content\":\"d\"}]}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},"
                    + "{\"role\":\"user\",\"content\":\"d\"}]}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"b\"}]}");

    private static final String STOPPED = "llama-server was stopped";

    /**
     * How long things take.
     *
     * @param poll between two looks at a server that starts
     * @param report between two lines of the log about a server that loads still
     * @param probe between two looks at a server that is ready, and the longest that one waits for an answer
     * @param silence after which a server that does not answer is killed
     * @param pause before the first restart; twice as long before each next one
     * @param longestPause before a restart
     * @param calm ready for that long, and the pauses begin anew
     */
    record Times(
            Duration poll,
            Duration report,
            Duration probe,
            Duration silence,
            Duration pause,
            Duration longestPause,
            Duration calm) {
        static final Times DEFAULT = new Times(
                Duration.ofMillis(100),
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofMillis(500),
                Duration.ofSeconds(30),
                Duration.ofSeconds(60));

        /**
         * The pause before a restart.
         *
         * @param earlier restarts since it was last ready for long
         */
        Duration beforeRestart(int earlier) {
            return new GrowingPause(pause, longestPause).after(earlier);
        }
    }

    /**
     * What it takes to ask a server that is ready.
     *
     * @param uri its base
     * @param key for {@code Authorization: Bearer}
     * @param contextTokens of one slot: prompt and answer together
     * @param markers what users' texts must not contain
     */
    public record Serving(URI uri, String key, int contextTokens, TemplateMarkers markers) {
        /** Without the key. */
        @Override
        public String toString() {
            return "Serving[" + uri + "]";
        }
    }

    private final String model;
    private final Supplier<LlamaServerCommand> finder;
    private final Times times;
    private final long memory;
    private final SecureRandom random = new SecureRandom();
    private final EngineGate gate = EngineGate.closed("llama-server is not started");

    private LlamaServerCommand command;
    private Thread supervisor;
    private GuardedProcess process;
    private boolean closed;
    private volatile Serving serving;

    /**
     * @param model the name of its model
     * @param finder finds the program and the model's file; throws {@link IllegalStateException} when one is not there
     */
    LlamaServer(String model, Supplier<LlamaServerCommand> finder, long memory) {
        this(model, finder, Times.DEFAULT, memory);
    }

    LlamaServer(String model, Supplier<LlamaServerCommand> finder, Times times) {
        this(model, finder, times, 0);
    }

    /** @param memory bytes that the process may allocate; 0 for no bound */
    private LlamaServer(String model, Supplier<LlamaServerCommand> finder, Times times, long memory) {
        this.memory = memory;
        this.model = model;
        this.finder = finder;
        this.times = times;
    }

    /** Starts it, once; it is ready when the gate opens. */
    @Override
    public synchronized void start() {
        if (supervisor != null || closed) {
            return;
        }
        command = finder.get();
        gate.close(LOADING);
        supervisor = new Thread(this::supervise, "flux-llama-server-" + model);
        supervisor.setDaemon(true);
        supervisor.start();
    }

    @Override
    public EngineGate gate() {
        return gate;
    }

    /**
     * What it takes to ask it now.
     *
     * @throws EngineException when it is not ready; the message says why
     */
    public Serving serving() {
        Serving now = serving;
        if (now == null) {
            String problem = gate.problem();
            throw new EngineException(EngineFailure.unavailable(problem == null ? LOADING : problem));
        }
        return now;
    }

    /** The process that runs now; -1 when none does. */
    synchronized long pid() {
        return process != null && process.isAlive() ? process.pid() : -1;
    }

    /** Ends the server. Returns when nothing is left of it. */
    @Override
    public void close() {
        GuardedProcess running;
        Thread thread;
        synchronized (this) {
            closed = true;
            running = process;
            thread = supervisor;
            notifyAll();
        }
        serving = null;
        gate.close(STOPPED);
        try {
            if (running != null) {
                running.stop(STOP_GRACE);
            }
            if (thread != null) {
                thread.join(STOP_GRACE.toMillis());
            }
        } catch (InterruptedException e) {
            if (running != null) {
                running.kill();
            }
            Thread.currentThread().interrupt();
        }
    }

    private void supervise() {
        try {
            int restarts = 0;
            String before = null;
            while (!isClosed()) {
                // Why the last one ended is worth more than that the next one begins.
                notServing(before == null ? LOADING : LOADING + " again: " + before);
                Duration ready = Duration.ZERO;
                String end;
                GuardedProcess started = null;
                LlamaServerLog log = new LlamaServerLog();
                try {
                    String key = key();
                    started = launch(key);
                    if (started == null) {
                        return;
                    }
                    ready = attend(started, log, key);
                    end = describe(started, log);
                } catch (IOException e) {
                    end = "llama-server cannot be started: " + e.getMessage();
                }
                if (isClosed()) {
                    return;
                }
                if (ready.compareTo(times.calm()) >= 0) {
                    restarts = 0;
                }
                before = end;
                Duration pause = times.beforeRestart(restarts++);
                String why = end + "; starts again in " + seconds(pause) + " s";
                notServing(why);
                LOG.warn(
                        "model={} pid={}: {}. Its log ends with:\n{}",
                        model,
                        started == null ? -1 : started.pid(),
                        why,
                        log.tail().strip());
                rest(pause, null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            killUnlessClosed();
        }
    }

    /** Starts a process; null when this was closed meanwhile. */
    private synchronized GuardedProcess launch(String key) throws IOException {
        if (closed) {
            return null;
        }
        process = GuardedProcess.start(command.line(), command.environment(key), memory);
        process.onExit(this::wake);
        return process;
    }

    /** Stays with a process until it has exited or this is closed. Returns for how long it was ready. */
    private Duration attend(GuardedProcess started, LlamaServerLog log, String key) throws InterruptedException {
        Thread reader = new Thread(() -> log.read(started.output(), model), "flux-llama-server-log-" + model);
        reader.setDaemon(true);
        reader.start();
        try {
            Serving found = awaitReady(started, log, key);
            if (found == null) {
                return Duration.ZERO;
            }
            long since = System.nanoTime();
            log.ready();
            LOG.info(
                    "llama-server ready: model {}, pid {}, slots {}, context {} tokens, {}",
                    model,
                    started.pid(),
                    command.slots(),
                    found.contextTokens(),
                    found.uri());
            serve(found);
            watch(started, found);
            return Duration.ofNanos(System.nanoTime() - since);
        } finally {
            notServing("llama-server has ended");
            if (!isClosed()) {
                started.kill();
            }
            started.awaitExit(STOP_GRACE);
            reader.join(STOP_GRACE.toMillis());
        }
    }

    /** Waits until a server is ready; null when it exits before, or this is closed. */
    private Serving awaitReady(GuardedProcess started, LlamaServerLog log, String key) throws InterruptedException {
        long begin = System.nanoTime();
        long reported = begin;
        while (goesOn(started)) {
            if (log.port() != 0) {
                Serving found = ask(URI.create("http://127.0.0.1:" + log.port()), key);
                if (found != null) {
                    return found;
                }
            }
            if (System.nanoTime() - reported >= times.report().toNanos()) {
                reported = System.nanoTime();
                LOG.info(
                        "llama-server still loads: model={} pid={} for {} s",
                        model,
                        started.pid(),
                        Duration.ofNanos(reported - begin).toSeconds());
            }
            rest(times.poll(), started);
        }
        return null;
    }

    /** Looks at a server that is ready, until it exits or this is closed. One that is silent for too long is killed. */
    private void watch(GuardedProcess started, Serving found) throws InterruptedException {
        long heard = System.nanoTime();
        rest(times.probe(), started);
        while (goesOn(started)) {
            if (answers(found.uri())) {
                heard = System.nanoTime();
                serve(found);
            } else if (goesOn(started)) {
                Duration silence = Duration.ofNanos(System.nanoTime() - heard);
                notServing("llama-server does not answer");
                if (silence.compareTo(times.silence()) >= 0) {
                    LOG.warn(
                            "llama-server has not answered for {} s and is killed: model={} pid={}",
                            silence.toSeconds(),
                            model,
                            started.pid());
                    return;
                }
            }
            rest(times.probe(), started);
        }
    }

    private void serve(Serving found) {
        serving = found;
        gate.open();
        if (isClosed()) {
            serving = null;
            gate.close(STOPPED);
        }
    }

    private void notServing(String why) {
        serving = null;
        if (!isClosed()) {
            gate.close(why);
        }
    }

    /** A server's properties, when it is ready; else null. */
    private Serving ask(URI uri, String key) {
        try {
            if (request(uri.resolve("/health"), null, null).status() != OK) {
                return null;
            }
            Answer answer = request(uri.resolve("/props"), key, null);
            if (answer.status() != OK) {
                notServing("llama-server answers " + answer.status() + " to GET /props");
                return null;
            }
            JsonNode props = answer.body();
            int context = props.at("/default_generation_settings/n_ctx").asInt();
            if (command.contextTokens() != null && context < command.contextTokens()) {
                LOG.warn(
                        "llama-server gives each slot {} tokens of context where {} are configured: model={}",
                        context,
                        command.contextTokens(),
                        model);
            }
            return new Serving(
                    uri,
                    key,
                    context,
                    TemplateMarkers.of(
                            props.path("chat_template").asText() + "\n" + templated(uri, key),
                            props.path("bos_token").asText(),
                            props.path("eos_token").asText()));
        } catch (IOException e) {
            LOG.debug("llama-server is not ready yet: model={}", model, e);
            return null;
        }
    }

    /** What the chat template makes of some messages: one of llama.cpp's is known by its name only. */
    private String templated(URI uri, String key) throws IOException {
        for (String conversation : CONVERSATIONS) {
            Answer answer = request(uri.resolve("/apply-template"), key, conversation);
            if (answer.status() == OK) {
                return answer.body().path("prompt").asText();
            }
        }
        return "";
    }

    private boolean answers(URI uri) {
        try {
            request(uri.resolve("/health"), null, null);
            return true;
        } catch (IOException e) {
            LOG.debug("llama-server does not answer: model={}", model, e);
            return false;
        }
    }

    private record Answer(int status, JsonNode body) {}

    /** @param body to be posted; null for a GET */
    private Answer request(URI uri, String key, String body) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
        int millis = (int) times.probe().toMillis();
        connection.setConnectTimeout(millis);
        connection.setReadTimeout(millis);
        if (key != null) {
            connection.setRequestProperty("Authorization", "Bearer " + key);
        }
        try {
            if (body != null) {
                connection.setDoOutput(true);
                connection.setRequestProperty("Content-Type", "application/json");
                connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
            }
            int status = connection.getResponseCode();
            if (status != OK) {
                return new Answer(status, JSON.missingNode());
            }
            try (InputStream in = connection.getInputStream()) {
                return new Answer(status, JSON.readTree(in));
            }
        } finally {
            connection.disconnect();
        }
    }

    private static String describe(GuardedProcess ended, LlamaServerLog log) {
        if (ended.isAlive()) {
            return "llama-server does not end";
        }
        int code = ended.exitCode();
        String end = code > SIGNAL_BASE
                ? "llama-server was killed by signal " + (code - SIGNAL_BASE)
                : "llama-server exited with code " + code;
        return log.error() == null ? end : end + ": " + log.error();
    }

    private String key() {
        byte[] bytes = new byte[KEY_BYTES];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0
                ? Long.toString(duration.toSeconds())
                : Double.toString(duration.toMillis() / 1000.0);
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    private boolean goesOn(GuardedProcess started) {
        return started.isAlive() && !isClosed();
    }

    private synchronized void wake() {
        notifyAll();
    }

    /** Who closes it stops it gently. */
    private synchronized void killUnlessClosed() {
        if (process != null && !closed) {
            process.kill();
        }
    }

    /** Waits for that long, or until the process, if there is one, exits or this is closed. */
    private synchronized void rest(Duration time, GuardedProcess started) throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            if (closed || (started != null && !started.isAlive())) {
                return;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }
}
