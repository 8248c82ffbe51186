package io.flux.engine;

import io.flux.job.JobRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.regex.Pattern;

/** A process as a run: its stdout is the answer, its exit code and its log say how it ended. */
final class ProcessRun implements EngineRun {
    /** Between the end of stdout and the exit; an engine that takes longer is killed. */
    private static final Duration EXIT_GRACE = Duration.ofSeconds(2);

    private static final Duration EXIT_STEP = Duration.ofMillis(5);

    /** How llama.cpp, C++ and others say that they were refused memory; a GPU's own is not meant. */
    private static final Pattern OUT_OF_MEMORY = Pattern.compile(
            "(?i)std::bad_alloc|insufficient memory"
                    + "|cannot allocate memory|failed to allocate|unable to allocate|memory exhausted|(?<!cuda error: )out of memory|OutOfMemoryError|native memory allocation");

    private static final int SIGNAL_BASE = 128;
    private static final int LAST_SIGNAL = 64;

    private final LiveProcess process;
    private final JobRequest request;
    private final EngineDialect dialect;
    private final Utf8Chunks chunks;
    private final TrailerFilter trailer = new TrailerFilter();

    ProcessRun(LiveProcess process, JobRequest request, EngineDialect dialect) {
        this.process = process;
        this.request = request;
        this.dialect = dialect;
        this.chunks = new Utf8Chunks(process.getStdout());
    }

    @Override
    public String read() throws IOException {
        String chunk = chunks.read();
        return chunk == null || dialect == EngineDialect.PLAIN ? chunk : trailer.accept(chunk);
    }

    @Override
    public Ending end() {
        EngineEnd result = result();
        if (result.isFailure()) {
            return new Ending("", result);
        }
        String rest = chunks.rest();
        return new Ending(dialect == EngineDialect.PLAIN ? rest : trailer.accept(rest) + trailer.rest(), result);
    }

    private EngineEnd result() {
        if (process.startFailure() != null) {
            return EngineEnd.failed(process.startFailure(), null, process.stderrTail());
        }
        if (!awaitExit()) {
            process.kill();
            return EngineEnd.failed(
                    EngineFailure.failed("the engine closed its output and did not exit"), null, process.stderrTail());
        }
        // 0 for one that is over and still cleaning up
        int exitCode = process.getExitValue();
        process.kill();
        String stderr = process.stderrTail();
        if (dialect == EngineDialect.PLAIN) {
            return exitCode == 0
                    ? EngineEnd.finished(FinishReason.STOP, exitCode, stderr)
                    : EngineEnd.failed(exitFailure(exitCode, stderr), exitCode, stderr);
        }
        LlamaCompletionLog log = new LlamaCompletionLog(stderr);
        if (exitCode != 0) {
            EngineFailure refusal = log.refusal(request);
            return EngineEnd.failed(refusal == null ? exitFailure(exitCode, stderr) : refusal, exitCode, stderr);
        }
        // The end-of-text mark comes after all text too, so it vouches for the text as well as the log does.
        if (!trailer.whole() || !(log.textIsWhole() || trailer.endOfText())) {
            return EngineEnd.failed(EngineFailure.truncated(), exitCode, stderr);
        }
        return EngineEnd.finished(trailer.endOfText() ? FinishReason.STOP : FinishReason.LENGTH, exitCode, stderr)
                .withTokens(log.promptTokens(), log.completionTokens())
                .withTimes(log.times());
    }

    @Override
    public void kill() {
        process.kill();
    }

    @Override
    public void killLeftovers() {
        process.killLeftovers();
    }

    @Override
    public void release() {
        if (process.isAlive()) {
            process.kill();
        }
    }

    @Override
    public void awaitStopped() {
        awaitExit();
    }

    /** A process says last what it has counted; one that was killed does not. */
    @Override
    public EngineEnd counted(EngineEnd end) {
        return end;
    }

    @Override
    public String log() {
        return process.stderrTail();
    }

    /**
     * Waits, but not for long, until the process has exited and its stderr was read. One that closed its stdout and
     * wrote its log's last line has nothing left to say: it is ended, since nobody should wait for its cleaning up.
     */
    private boolean awaitExit() {
        try {
            long deadline = System.nanoTime() + EXIT_GRACE.toNanos();
            while (System.nanoTime() < deadline) {
                if (process.awaitEnd(EXIT_STEP)) {
                    return true;
                }
                if (dialect == EngineDialect.LLAMA_COMPLETION
                        && new LlamaCompletionLog(process.stderrTail()).isOver()) {
                    return true;
                }
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private EngineFailure exitFailure(int exitCode, String stderr) {
        if (OUT_OF_MEMORY.matcher(stderr).find()) {
            return EngineFailure.outOfMemory(process.memory());
        }
        int signal = exitCode - SIGNAL_BASE;
        return EngineFailure.failed(
                signal > 0 && signal <= LAST_SIGNAL
                        ? "the engine was killed by signal " + signal
                        : "the engine exited with code " + exitCode);
    }
}
