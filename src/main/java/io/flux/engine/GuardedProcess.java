package io.flux.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A long-running process that cannot outlive this JVM, not even one that is killed: a shell starts it and waits with it,
 * and kills it when the pipe from this JVM closes, for whatever reason. To close the pipe is therefore also how {@link
 * #kill} works. What the process writes, to stdout too, is {@link #output}; it reads nothing.
 *
 * <p>Where there is {@code setsid} all of it is a session of its own: Ctrl-C does not reach it, and whatever the process
 * has started is killed with it.
 *
 * <p>Methods are for any thread; the output has one reader.
 */
final class GuardedProcess {
    private static final Logger LOG = LoggerFactory.getLogger(GuardedProcess.class);
    private static final Path SETSID = Path.of("/usr/bin/setsid");
    private static final Duration KILL_GRACE = Duration.ofSeconds(3);

    /** What signals the shell ignores is set after the start: the process would inherit it. */
    private static final String GUARD =
            """
            exec 3<&0
            "$@" 3<&- </dev/null >&2 &
            process=$!
            trap '' INT TERM HUP QUIT
            echo "$process"
            { read -r word <&3; kill -KILL "$process"; kill -KILL "-$$"; } 2>/dev/null &
            watch=$!
            wait "$process"
            code=$?
            kill -KILL "$watch"
            exit "$code"
            """;

    private final Process shell;
    private final long pid;

    private GuardedProcess(Process shell, long pid) {
        this.shell = shell;
        this.pid = pid;
    }

    /**
     * Starts a command.
     *
     * @param environment added to what engines find of this process's own
     * @param memory bytes that the process may allocate; 0 for no bound
     * @throws IOException when there is no shell to start it; a command that cannot be run exits with 126 or 127
     */
    static GuardedProcess start(List<String> command, Map<String, String> environment, long memory) throws IOException {
        List<String> line = new ArrayList<>();
        if (Files.isExecutable(SETSID)) {
            line.add(SETSID.toString());
        }
        line.addAll(List.of("/bin/sh", "-c", GUARD, "flux-guard"));
        line.addAll(EngineProcesses.bounded(command, memory));
        ProcessBuilder builder = EngineProcesses.builder(line, 0);
        builder.environment().putAll(environment);
        Process shell = builder.start();
        try {
            BufferedReader said =
                    new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.US_ASCII));
            return new GuardedProcess(shell, Long.parseLong(String.valueOf(said.readLine())));
        } catch (IOException | NumberFormatException e) {
            shell.destroyForcibly();
            throw new IOException("the shell that guards " + command.get(0) + " did not start", e);
        }
    }

    /** The process's id. */
    long pid() {
        return pid;
    }

    /** What it writes; ends when it, and whatever it has started, is gone. */
    InputStream output() {
        return shell.getErrorStream();
    }

    boolean isAlive() {
        return shell.isAlive();
    }

    /** Its exit code, 128 + n when signal n killed it; only when it is not alive. */
    int exitCode() {
        return shell.exitValue();
    }

    /** Runs an action when it has exited; at once when it has. */
    void onExit(Runnable action) {
        var unused = shell.onExit().thenRun(action);
    }

    /** Waits until it has exited; false when it has not within the time. */
    boolean awaitExit(Duration atMost) throws InterruptedException {
        return shell.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Asks it to end. */
    void terminate() {
        if (shell.isAlive()) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
        }
    }

    /** Ends it and whatever it has started, at once. Also clears up after one whose shell was killed. */
    void kill() {
        try {
            shell.getOutputStream().close();
        } catch (IOException e) {
            LOG.debug("the pipe to the guard of process {} was closed already", pid, e);
        }
    }

    /** Asks it to end, and kills it when it has not within the time. Waits until it is gone. */
    void stop(Duration grace) throws InterruptedException {
        terminate();
        if (!awaitExit(grace)) {
            LOG.warn("process {} did not end within {} s and is killed", pid, grace.toSeconds());
        }
        kill();
        if (!awaitExit(KILL_GRACE)) {
            // The guard itself does not run: it was stopped, say.
            shell.descendants().forEach(ProcessHandle::destroyForcibly);
            shell.destroyForcibly();
            awaitExit(KILL_GRACE);
        }
    }
}
