package io.flux.embedded;

import de.kherud.llama.LlamaIterator;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * llama.cpp as a program: a {@code main} that takes llama-completion's flags, reads the prompt from its file, writes the
 * text to stdout as it is generated and ends as llama-completion does, so that Flux runs both in the same way. A process
 * of its own, because native code that crashes or is killed must not take the worker with it.
 *
 * <p>With {@code --count-tokens} it prints how many tokens the file has, its last newline included, and no more.
 *
 * <p>It differs from llama-completion in one thing: a character that the token limit cuts in two is left out, not written
 * in part. llama.cpp's server code, which is behind the JNI, holds a character back until it is whole.
 *
 * <p>Few imports, no lambdas and hardly a string concatenation before the first token: it is started once for each job.
 */
public final class BundledEngine {
    /** llama-completion keeps that many tokens of the context free of the prompt. */
    private static final int RESERVED = 4;

    private static final String CONTEXT_FULL = "context shift is disabled";
    private static final String TMPDIR = "de.kherud.llama.tmpdir";

    private final EngineOptions options;
    private final FileOutputStream out;
    private final PrintStream err;
    private final EngineLog log;
    private final long begunNanos = System.nanoTime();
    private LlamaModel model;

    private BundledEngine(EngineOptions options, EngineLog log, FileOutputStream out, PrintStream err) {
        this.options = options;
        this.log = log;
        this.out = out;
        this.err = err;
    }

    /** Runs one completion. Exit code 0: the text is whole. 1: it could not be made; stderr says why. */
    public static void main(String[] args) {
        FileOutputStream out = new FileOutputStream(FileDescriptor.out);
        PrintStream err = System.err;
        // llama's loader prints on some systems; only text goes to the real one.
        System.setOut(err);
        try {
            EngineOptions options = EngineOptions.parse(args);
            String folder = System.getProperty(TMPDIR, System.getProperty("java.io.tmpdir"));
            BundledEngine engine = new BundledEngine(options, EngineLog.create(Path.of(folder)), out, err);
            if (engine.run()) {
                engine.leave();
            }
        } catch (IOException | RuntimeException e) {
            err.println("error: " + (e.getMessage() == null ? e : e.getMessage()));
        } catch (LinkageError e) {
            err.println("error: llama.cpp cannot be loaded: " + e.getMessage());
        }
        Runtime.getRuntime().halt(1);
    }

    private boolean run() throws IOException {
        String prompt = prompt();
        load();
        if (options.countTokens) {
            out.write(String.valueOf(model.encode(prompt).length).getBytes(StandardCharsets.US_ASCII));
            return true;
        }
        if (options.jsonSchema != null) {
            // One that cannot be converted ends the process here, as llama-completion's, and with the same words.
            options.grammar = LlamaModel.jsonSchemaToGrammar(options.jsonSchema);
        }
        if (options.grammar != null) {
            String problem = GrammarTrial.problem(options.grammar, model, log);
            if (problem != null) {
                err.println(problem);
                return false;
            }
        }
        long start = System.nanoTime();
        LlamaIterator pieces = model.generate(options.inference(prompt)).iterator();
        EngineLog.PromptSize size = log.promptSize();
        if (size.tokens() == 0) {
            err.println("error: input is empty");
            return false;
        }
        if (options.grammar != null && log.endlessGrammar()) {
            err.println(GrammarTrial.REFUSED);
            return false;
        }
        int max = size.context() - RESERVED;
        if (size.tokens() > max) {
            err.println("llama_completion: prompt is too long (" + size.tokens() + " tokens, max " + max + ")");
            return false;
        }
        int limit = size.context() - size.tokens();
        if (options.tokens > 0) {
            limit = Math.min(limit, options.tokens);
        }
        boolean endedInSilence = false;
        boolean full = false;
        long first = 0;
        try {
            while (true) {
                LlamaOutput piece = pieces.next();
                if (!pieces.hasNext()) {
                    break; // the last one says that it is over, and has no text
                }
                if (first == 0) {
                    first = System.nanoTime();
                }
                endedInSilence = piece.text.isEmpty();
                out.write(piece.text.getBytes(StandardCharsets.UTF_8));
            }
        } catch (RuntimeException e) { // LlamaException is not public
            if (first == 0 || e.getMessage() == null || !e.getMessage().contains(CONTEXT_FULL)) {
                throw e;
            }
            full = true;
        }
        EngineLog.Timings timings = log.timings();
        if (full) {
            long now = System.nanoTime();
            timings = new EngineLog.Timings((first - start) / 1e6, size.tokens(), (now - first) / 1e6, limit);
        }
        // A token that ends the text is one without text; below the limit nothing else ends it.
        boolean ended = !full && (endedInSilence || (timings != null && timings.tokens() < limit));
        out.write((ended ? " [end of text]\n\n\n" : "\n\n").getBytes(StandardCharsets.US_ASCII));
        printTimings((start - begunNanos) / 1e6, timings);
        return true;
    }

    /** All of the file; to complete it, less one newline at its end, as llama-completion takes it. */
    private String prompt() throws IOException {
        byte[] bytes;
        if (options.promptFile.equals("/dev/stdin")) {
            bytes = System.in.readAllBytes();
        } else {
            try (InputStream in = new FileInputStream(options.promptFile)) {
                bytes = in.readAllBytes();
            }
        }
        boolean shorten = !options.countTokens && bytes.length > 0 && bytes[bytes.length - 1] == '\n';
        return new String(bytes, 0, shorten ? bytes.length - 1 : bytes.length, StandardCharsets.UTF_8);
    }

    private void load() throws IOException {
        try {
            model = new LlamaModel(options.model.setLogFile(log.path()));
        } finally {
            log.unlink();
        }
    }

    /** In llama-completion's words, and after all the text: the last line says that nothing is missing. */
    private void printTimings(double loadMs, EngineLog.Timings timings) throws IOException {
        StringBuilder lines = new StringBuilder();
        if (timings != null) {
            // llama-completion's runs are those after the prompt's own, which yields the first token; at least one.
            int runs = Math.max(1, timings.tokens() - 1);
            double ms = timings.tokens() > 1 ? timings.ms() : 0;
            lines.append("common_perf_print:    samplers time =          - ms / ")
                    .append(String.format(Locale.ROOT, "%5d tokens%n", timings.promptTokens() + timings.tokens()))
                    .append("common_perf_print:        load time = ")
                    .append(String.format(Locale.ROOT, "%10.2f ms%n", loadMs))
                    .append("common_perf_print: prompt eval time = ")
                    .append(rate(timings.promptMs(), timings.promptTokens(), "tokens"))
                    .append("common_perf_print:        eval time = ")
                    .append(rate(ms, runs, "runs  "));
        }
        lines.append(
                "common_perf_print:   graph reallocs =          0    /     0        (same size) / (changed size)\n");
        err.write(lines.toString().getBytes(StandardCharsets.US_ASCII));
        err.flush();
    }

    private static String rate(double ms, int count, String unit) {
        String perSecond = ms > 0 ? String.format(Locale.ROOT, "%8.2f", 1000 * count / ms) : "     inf";
        return String.format(
                Locale.ROOT,
                "%10.2f ms / %5d %s (%8.2f ms per token, %s tokens per second)%n",
                ms,
                count,
                unit,
                ms / count,
                perSecond);
    }

    /**
     * Ends the process with 0. The JVM's exit waits 300 ms for threads inside native code, and llama.cpp's loop always is
     * one; whoever reads the text need not wait for that, so its streams end first.
     */
    private void leave() throws IOException {
        err.close();
        out.close();
        Runtime.getRuntime().halt(0);
    }
}
