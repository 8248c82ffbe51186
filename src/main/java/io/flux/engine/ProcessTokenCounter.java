package io.flux.engine;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Counts with a program that reads a text from its standard input and prints its number of tokens last, as llama.cpp's
 * {@code llama-tokenize --show-count} does. One process for each count; one that takes too long is killed. Thread-safe.
 */
public final class ProcessTokenCounter implements TokenCounter {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessTokenCounter.class);
    /** Loading a model is in it. */
    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    private static final Pattern LAST_NUMBER = Pattern.compile("(?<!\\d)(\\d{1,9})\\s*$");

    private final Supplier<List<String>> command;
    private final Duration timeout;
    private final long memory;
    private final Level level;

    /**
     * @param command finds the program and its arguments; throws {@link IllegalStateException} when it is not there
     */
    public ProcessTokenCounter(Supplier<List<String>> command) {
        this(command, TIMEOUT, 0, Level.WARN);
    }

    /**
     * @param command finds the program and its arguments; throws {@link IllegalStateException} when it is not there
     * @param timeout after which the program is killed; loading a model is in it
     * @param memory bytes that the program may allocate; 0 for no bound
     * @param level at which it is logged that the program does not count
     */
    public ProcessTokenCounter(Supplier<List<String>> command, Duration timeout, long memory, Level level) {
        this.memory = memory;
        this.command = command;
        this.timeout = timeout;
        this.level = level;
    }

    @Override
    public OptionalInt count(String text) {
        List<Integer> counts = counts(List.of(text));
        return counts.isEmpty() ? OptionalInt.empty() : OptionalInt.of(counts.get(0));
    }

    /** The processes run at the same time. */
    @Override
    public List<Integer> counts(List<String> texts) {
        List<Process> processes = new ArrayList<>();
        try {
            List<String> line = command.get();
            for (int i = 0; i < texts.size(); i++) {
                processes.add(start(line));
            }
            for (int i = 0; i < texts.size(); i++) {
                try (OutputStream in = processes.get(i).getOutputStream()) {
                    in.write(texts.get(i).getBytes(StandardCharsets.UTF_8));
                }
            }
            List<Integer> counts = new ArrayList<>();
            for (Process process : processes) {
                counts.add(number(line.get(0), process));
            }
            return counts;
        } catch (IllegalStateException | IOException e) {
            LOG.atLevel(level).log("tokens cannot be counted, their number is an estimate: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
        return List.of();
    }

    private Process start(List<String> line) throws IOException {
        Process process = EngineProcesses.builder(line, memory)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var unused = process.onExit()
                .orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(late -> process.destroyForcibly());
        return process;
    }

    /** All of the text is read before the first word is written, so that neither side waits for the other. */
    private static int number(String program, Process process) throws IOException, InterruptedException {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(program + " failed");
        }
        Matcher number = LAST_NUMBER.matcher(said);
        if (!number.find()) {
            throw new IOException(program + " printed no number");
        }
        return Integer.parseInt(number.group(1));
    }
}
