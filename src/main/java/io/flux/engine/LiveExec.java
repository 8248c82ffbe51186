package io.flux.engine;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.component.exec.ExecCommandExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a command for camel-exec ({@code exec:…?commandExecutor=#bean}) and returns while it runs, where the stock
 * executor returns when it has ended. Of the command it obeys executable, arguments, working directory and input;
 * timeout, exit values and output file are not for live output.
 *
 * <p>Two daemon threads serve each process: one feeds stdin, so that an engine which does not read its prompt blocks
 * nobody, one drains stderr, so that an engine which floods it does not block itself. {@link #close} ends the processes
 * with their descendants, and the threads.
 */
public final class LiveExec implements ExecCommandExecutor, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LiveExec.class);

    /**
     * Runs the engine in a session of its own: the terminal's Ctrl-C is for Flux, which lets its engines finish. Where it is
     * missing (macOS), engines end with Ctrl-C too, and the next attempt goes on.
     */
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    /** ENOENT, EACCES, ENOEXEC and ENOTDIR: the command cannot be run here, now or later. */
    private static final Pattern CANNOT_RUN = Pattern.compile("error=(2|13|8|20)\\b");

    private final long memory;
    private final Set<LiveProcess> live = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads;
    private volatile boolean closed;

    /** With no bound on what a process may allocate. */
    public LiveExec() {
        this(0);
    }

    /** @param memory bytes that each process may allocate; 0 for no bound */
    public LiveExec(long memory) {
        this.memory = memory;
        AtomicInteger number = new AtomicInteger();
        threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "flux-engine-io-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Starts the command. Never throws for the engine's sake: a command that cannot be started comes back as a process
     * that has ended, and its stream ends with that failure.
     */
    @Override
    public LiveProcess execute(ExecCommand command) {
        if (closed) {
            return stopping(command);
        }
        Process process;
        try {
            process = builder(command).start();
        } catch (IOException e) {
            return notStarted(command, e);
        }
        LiveProcess started;
        try {
            started = LiveProcess.of(command, process, threads, memory);
        } catch (RejectedExecutionException closing) {
            process.destroyForcibly();
            return stopping(command);
        }
        live.add(started);
        started.onExit(() -> live.remove(started));
        if (closed) {
            started.kill();
        }
        LOG.debug("Engine process {} started: {}", started.pid(), command.getExecutable());
        return started;
    }

    /** How many processes run. */
    public int running() {
        return live.size();
    }

    /** Kills all processes and their descendants. Does not wait until they are gone. */
    @Override
    public void close() {
        closed = true;
        List.copyOf(live).forEach(LiveProcess::killLeftovers);
        threads.shutdown();
    }

    private ProcessBuilder builder(ExecCommand command) {
        List<String> line = new ArrayList<>();
        line.add(command.getExecutable());
        line.addAll(command.getArgs());
        if (canBeRun(command.getExecutable())) {
            line = new ArrayList<>(EngineProcesses.bounded(line, memory));
            if (Files.isExecutable(SETSID)) {
                line.add(0, SETSID.toString());
            }
        }
        ProcessBuilder builder = EngineProcesses.builder(line, 0);
        // Threads that wait for the next step must not spin: where engines have more threads than cores to themselves,
        // spinning makes each token wait for a time slice.
        builder.environment().putIfAbsent("OMP_WAIT_POLICY", "passive");
        // llama.cpp that breaks off shows where, through a debugger that writes to stdout, where answers are.
        builder.environment().putIfAbsent("GGML_NO_BACKTRACE", "1");
        if (command.getWorkingDir() != null) {
            builder.directory(new File(command.getWorkingDir()));
        }
        return builder;
    }

    /** Whether the command is there. When it is not, it is to say so itself, and not setsid or a shell. */
    private static boolean canBeRun(String executable) {
        Stream<Path> files = executable.contains("/")
                ? Stream.of(Path.of(executable))
                : Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, executable));
        return files.anyMatch(file -> Files.isRegularFile(file) && Files.isExecutable(file));
    }

    private static LiveProcess stopping(ExecCommand command) {
        return LiveProcess.notStarted(command, EngineFailure.failed("the worker is stopping"), "");
    }

    private static LiveProcess notStarted(ExecCommand command, IOException cause) {
        String detail = String.valueOf(cause.getMessage());
        LOG.warn("Engine command {} could not be started: {}", command.getExecutable(), detail);
        EngineFailure failure = CANNOT_RUN.matcher(detail).find()
                ? EngineFailure.notFound(new File(command.getExecutable()).getName())
                : EngineFailure.failed("the engine could not be started");
        return LiveProcess.notStarted(command, failure, detail);
    }
}
