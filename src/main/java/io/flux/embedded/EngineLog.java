package io.flux.embedded;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What llama.cpp logs about a run: the only place where it says how many tokens it has read and generated. A thread of its
 * own writes the log, so each question waits a little for its line; and it writes a line to stderr before the file, so what
 * is here is on stderr too.
 *
 * <p>The file lives from creation to {@link #unlink} only, so that a run that is killed leaves none behind.
 *
 * <p>Written for llama.cpp b4916, which de.kherud:llama 4.2.0 holds. No regular expressions: their classes cost
 * milliseconds before the first token.
 */
final class EngineLog {
    private static final String PROMPT = "new prompt, n_ctx_slot = ";
    private static final String PROMPT_TOKENS = "n_prompt_tokens = ";
    private static final String PROMPT_TIME = "prompt eval time = ";
    private static final String TIME = "\n       eval time = ";
    private static final String COUNT = " ms / ";
    private static final String ENDLESS_GRAMMAR = "left recursion detected";
    private static final String IDLE = "all slots are idle";
    private static final long PROMPT_PATIENCE_MS = 10_000;
    private static final long END_PATIENCE_MS = 2_000;

    private final Path path;
    private final RandomAccessFile file;
    private long start;

    private EngineLog(Path path) throws IOException {
        this.path = path;
        this.file = new RandomAccessFile(path.toFile(), "r");
    }

    static EngineLog create(Path folder) throws IOException {
        Files.createDirectories(folder);
        return new EngineLog(Files.createTempFile(folder, "engine-", ".log"));
    }

    String path() {
        return path.toString();
    }

    /** Once llama.cpp has it open: takes it out of the folder. */
    void unlink() throws IOException {
        Files.deleteIfExists(path);
    }

    /** How long the prompt is and may be. Blocks until llama.cpp has begun with it. */
    PromptSize promptSize() throws IOException {
        String text = await(PROMPT, PROMPT_TOKENS, PROMPT_PATIENCE_MS);
        int line = text.lastIndexOf(PROMPT);
        int count = text.indexOf(PROMPT_TOKENS, Math.max(0, line));
        if (line < 0 || count < 0) {
            throw new IOException("llama.cpp did not say how long the prompt is");
        }
        return new PromptSize(
                (int) number(text, count + PROMPT_TOKENS.length()), (int) number(text, line + PROMPT.length()));
    }

    /** What the run took, after its end; null when llama.cpp did not say. Blocks until nothing more will be logged. */
    Timings timings() throws IOException {
        String text = await(PROMPT, IDLE, END_PATIENCE_MS);
        int prompt = text.lastIndexOf(PROMPT_TIME);
        int eval = text.lastIndexOf(TIME);
        if (prompt < 0 || eval < prompt) {
            return null;
        }
        return new Timings(
                number(text, prompt + PROMPT_TIME.length()),
                (int) number(text, text.indexOf(COUNT, prompt) + COUNT.length()),
                number(text, eval + TIME.length()),
                (int) number(text, text.indexOf(COUNT, eval) + COUNT.length()));
    }

    /** Forgets the run that has ended. Blocks until nothing more will be logged of it. */
    void skipRun() throws IOException {
        await(PROMPT, IDLE, END_PATIENCE_MS);
        start = file.length();
    }

    /** Once the prompt's size is known: whether llama.cpp goes on without the grammar, because it cannot follow it. */
    boolean endlessGrammar() throws IOException {
        return read().contains(ENDLESS_GRAMMAR);
    }

    /** The log once {@code second} follows {@code first}, or what there is when patience ends. */
    private String await(String first, String second, long patienceMs) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMs);
        while (true) {
            String text = read();
            int start = text.lastIndexOf(first);
            int end = start < 0 ? -1 : text.indexOf(second, start);
            // Whole lines only: a number may be half written.
            if ((end >= 0 && text.indexOf('\n', end) >= 0) || System.nanoTime() - deadline > 0) {
                return text;
            }
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(300));
        }
    }

    private String read() throws IOException {
        byte[] bytes = new byte[(int) (file.length() - start)];
        file.seek(start);
        file.readFully(bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static double number(String text, int from) {
        int start = from;
        while (text.charAt(start) == ' ') {
            start++;
        }
        int end = start;
        while (end < text.length() && (Character.isDigit(text.charAt(end)) || text.charAt(end) == '.')) {
            end++;
        }
        return Double.parseDouble(text.substring(start, end));
    }

    /**
     * @param tokens tokens of the prompt, a begin-of-text token included
     * @param context tokens that the context holds
     */
    record PromptSize(int tokens, int context) {}

    /**
     * @param promptMs time to read the prompt
     * @param promptTokens its tokens
     * @param ms time to generate
     * @param tokens tokens generated, the one that ends the text included
     */
    record Timings(double promptMs, int promptTokens, double ms, int tokens) {}
}
