package io.flux.engine;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts with a program that reads a text from its standard input and prints its number of tokens last, as llama.cpp's
 * {@code llama-tokenize --show-count} does. One process for each count; one that takes too long is killed. Thread-safe.
 */
public final class ProcessTokenCounter implements TokenCounter {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessTokenCounter.class);
    /** Loading a model is in it. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final Pattern LAST_NUMBER = Pattern.compile("(?<!\\d)(\\d{1,9})\\s*$");

    private final Supplier<List<String>> command;
    private final Duration patience;
    private final long memory;

    /**
     * @param command finds the program and its arguments; throws {@link IllegalStateException} when it is not there
     */
    public ProcessTokenCounter(Supplier<List<String>> command) {
        this(command, 0);
    }

    /**
     * @param command finds the program and its arguments; throws {@link IllegalStateException} when it is not there
     * @param memory bytes that the program may allocate; 0 for no bound
     */
    public ProcessTokenCounter(Supplier<List<String>> command, long memory) {
        this(command, PATIENCE, memory);
    }

    ProcessTokenCounter(Supplier<List<String>> command, Duration patience) {
        this(command, patience, 0);
    }

    private ProcessTokenCounter(Supplier<List<String>> command, Duration patience, long memory) {
        this.memory = memory;
        this.command = command;
        this.patience = patience;
    }

    @Override
    public OptionalInt count(String text) {
        try {
            return run(command.get(), text.getBytes(StandardCharsets.UTF_8));
        } catch (IllegalStateException | IOException e) {
            LOG.warn("tokens cannot be counted, each event counts as one: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return OptionalInt.empty();
    }

    private OptionalInt run(List<String> line, byte[] text) throws IOException, InterruptedException {
        Process process = EngineProcesses.builder(line, memory)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var unused = process.onExit()
                .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(late -> process.destroyForcibly());
        try {
            try (OutputStream in = process.getOutputStream()) {
                in.write(text);
            }
            // All of the text is read before the first word is written, so that neither waits for the other.
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException(line.get(0) + " failed");
            }
            Matcher number = LAST_NUMBER.matcher(said);
            if (!number.find()) {
                throw new IOException(line.get(0) + " printed no number");
            }
            return OptionalInt.of(Integer.parseInt(number.group(1)));
        } finally {
            process.destroyForcibly();
        }
    }
}
