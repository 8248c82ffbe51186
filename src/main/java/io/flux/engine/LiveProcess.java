package io.flux.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.component.exec.ExecResult;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process that may still be running, as camel-exec's result: {@link #getStdout()} is what it writes now, not what it
 * wrote. Its stdin is fed and its stderr drained by threads of {@link LiveExec}. A command that could not be started is
 * a process that wrote nothing and exited with 127, as in a shell. Methods are for any thread; stdout has one reader.
 */
public final class LiveProcess extends ExecResult {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(LiveProcess.class);

    /** Holds llama-completion's timings many times over. */
    private static final int STDERR_BYTES = 16 * 1024;

    private static final int NOT_STARTED = 127;

    private final transient Process process;
    private final long memory;
    private final transient EngineFailure startFailure;
    private final transient Set<String> pipes;
    private final transient TailBuffer stderr = new TailBuffer(STDERR_BYTES);
    private final transient CountDownLatch stderrDrained = new CountDownLatch(1);

    private LiveProcess(ExecCommand command, Process process, EngineFailure startFailure, long memory) {
        super(command, process == null ? InputStream.nullInputStream() : process.getInputStream(), null, 0);
        this.process = process;
        this.memory = memory;
        this.startFailure = startFailure;
        this.pipes = process == null ? Set.of() : PipeWriters.pipesOf(process.pid());
    }

    /**
     * Takes over a process that was just started. Two threads serve it until it ends.
     *
     * @param memory bytes that it may allocate; 0 for no bound
     */
    static LiveProcess of(ExecCommand command, Process process, Executor threads, long memory) {
        LiveProcess live = new LiveProcess(command, process, null, memory);
        threads.execute(live::drainStderr);
        threads.execute(live::feedStdin);
        return live;
    }

    /**
     * Stands for a process that is not there.
     *
     * @param detail for operators; becomes the stderr tail
     */
    static LiveProcess notStarted(ExecCommand command, EngineFailure failure, String detail) {
        LiveProcess live = new LiveProcess(command, null, failure, 0);
        byte[] bytes = detail.getBytes(StandardCharsets.UTF_8);
        live.stderr.write(bytes, bytes.length);
        live.stderrDrained.countDown();
        return live;
    }

    /** The process id; -1 when it was not started. */
    public long pid() {
        return process == null ? -1 : process.pid();
    }

    /** Bytes that it may allocate; 0 for no bound. */
    long memory() {
        return memory;
    }

    /** Whether the process runs. */
    public boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** 0 as long as the process runs (camel-exec asks right after the start), then its exit code. */
    @Override
    public int getExitValue() {
        if (process == null) {
            return NOT_STARTED;
        }
        return process.isAlive() ? 0 : process.exitValue();
    }

    /** The end of what the process wrote to stderr so far. */
    public String stderrTail() {
        return stderr.text();
    }

    /** Ends the process and its descendants at once. Does not wait until they are gone. */
    public void kill() {
        if (process == null) {
            return;
        }
        // Handles, not Process.destroyForcibly: that would close the pipes under the threads that read them.
        List<ProcessHandle> descendants = process.descendants().toList();
        process.toHandle().destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
    }

    /** Ends whoever inherited this process's stdout or stderr and outlived it. Slower than {@link #kill}. */
    void killLeftovers() {
        kill();
        PipeWriters.kill(pipes);
    }

    /** Why there is no process, or null when there is one. */
    EngineFailure startFailure() {
        return startFailure;
    }

    /**
     * Waits until the process has exited and all of its stderr was read. A stderr that somebody else keeps open is not
     * waited for longer than the time, and does not count.
     *
     * @return false when the process has not exited within the time
     */
    boolean awaitEnd(Duration atMost) throws InterruptedException {
        if (process == null) {
            return true;
        }
        boolean exited = process.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS);
        if (exited && !stderrDrained.await(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
            LOG.debug("stderr of engine process {} is still open after its exit", pid());
        }
        return exited;
    }

    /** Runs an action when the process has exited; at once when there is none. */
    void onExit(Runnable action) {
        if (process == null) {
            action.run();
        } else {
            var unused = process.onExit().thenRun(action);
        }
    }

    private void drainStderr() {
        byte[] buffer = new byte[8192];
        try (InputStream in = process.getErrorStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                stderr.write(buffer, count);
            }
        } catch (IOException e) {
            LOG.debug("stderr of engine process {} could not be read to its end", pid(), e);
        } finally {
            stderrDrained.countDown();
        }
    }

    private void feedStdin() {
        try (OutputStream out = process.getOutputStream();
                InputStream input = getCommand().getInput()) {
            if (input != null) {
                input.transferTo(out);
            }
        } catch (IOException e) {
            // An engine need not read all of its prompt, or any of it.
            LOG.debug("Engine process {} did not read all of its input: {}", pid(), e.toString());
        }
    }
}
