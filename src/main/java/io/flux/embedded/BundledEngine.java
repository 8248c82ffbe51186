package io.flux.embedded;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import de.kherud.llama.ModelParameters;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * llama.cpp as a program: a {@code main} that takes llama-completion's flags, reads the prompt from its file, writes the
 * text to stdout as it is generated and ends as llama-completion does, so that Flux runs both in the same way. A process
 * of its own, because native code that crashes or is killed must not take the worker with it.
 *
 * <p>Few imports and no framework: it is started once for each job.
 */
public final class BundledEngine {
    /** llama-completion keeps that many tokens of the context free. */
    private static final int RESERVED = 4;

    private static final Pattern EVALUATED =
            Pattern.compile("(prompt )?eval time = +([0-9.]+) ms / +(\\d+) tokens", Pattern.DOTALL);
    private static final Pattern TOTAL = Pattern.compile("total time =");
    private static final Pattern CONTEXT = Pattern.compile("n_ctx_slot = (\\d+)");
    private static final long LOG_PATIENCE_MS = 500;

    private final Options options;
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    /** What llama.cpp logs: the only place where it says how many tokens it has generated. */
    private final Path log;

    private BundledEngine(Options options, Path log) {
        this.options = options;
        this.log = log;
    }

    /** Runs one completion. Exit code 0: the text is whole. 1: it could not be made; stderr says why. */
    public static void main(String[] args) {
        int code;
        try {
            Options options = Options.parse(args);
            Path log = Files.createTempFile("flux-engine", ".log");
            try {
                code = new BundledEngine(options, log).run();
            } finally {
                Files.deleteIfExists(log);
            }
        } catch (IOException | RuntimeException e) {
            System.err.println("error: " + e.getMessage());
            code = 1;
        }
        // llama.cpp's threads do not end by themselves.
        Runtime.getRuntime().halt(code);
    }

    private int run() throws IOException {
        String prompt = Files.readString(options.promptFile, StandardCharsets.UTF_8);
        if (prompt.endsWith("\n")) {
            prompt = prompt.substring(0, prompt.length() - 1);
        }
        LlamaModel model = new LlamaModel(options.model.setLogFile(log.toString()));
        int context = contextTokens();
        int promptTokens = model.encode(prompt).length;
        if (promptTokens > context - RESERVED) {
            System.err.println(
                    "bundled: prompt is too long (" + promptTokens + " tokens, max " + (context - RESERVED) + ")");
            return 1;
        }
        for (LlamaOutput piece : model.generate(options.inference(prompt))) {
            out.write(piece.text.getBytes(StandardCharsets.UTF_8));
        }
        return end(context);
    }

    private int end(int context) throws IOException {
        Timings timings = timings();
        boolean full = timings != null && timings.promptTokens + timings.tokens >= context;
        boolean limit = timings != null && timings.tokens >= options.tokens;
        out.write((full || limit ? "\n\n" : " [end of text]\n\n").getBytes(StandardCharsets.UTF_8));
        if (timings != null) {
            // llama-completion counts the runs after the prompt's own, one less than the tokens. Plain concatenation:
            // printf would load hundreds of classes here, a third of a second.
            System.err.println("common_perf_print: prompt eval time = " + timings.promptMs + " ms / "
                    + timings.promptTokens + " tokens");
            System.err.println(
                    "common_perf_print:        eval time = " + timings.ms + " ms / " + (timings.tokens - 1) + " runs");
        }
        System.err.println("common_perf_print:   graph reallocs = 0 / 0");
        // The JVM waits 300 ms for llama.cpp's thread before it goes; who reads the text need not.
        out.close();
        return 0;
    }

    private int contextTokens() throws IOException {
        Matcher matcher = CONTEXT.matcher(logged(CONTEXT));
        if (!matcher.find()) {
            throw new IOException("llama.cpp did not say how long its context is");
        }
        return Integer.parseInt(matcher.group(1));
    }

    /** What llama.cpp logged of the run; null when it did not. */
    private Timings timings() throws IOException {
        Timings timings = new Timings();
        Matcher matcher = EVALUATED.matcher(logged(TOTAL));
        while (matcher.find()) {
            if (matcher.group(1) != null) {
                timings.promptMs = Double.parseDouble(matcher.group(2));
                timings.promptTokens = Integer.parseInt(matcher.group(3));
            } else {
                timings.ms = Double.parseDouble(matcher.group(2));
                timings.tokens = Integer.parseInt(matcher.group(3));
            }
        }
        return timings.tokens == 0 ? null : timings;
    }

    /** The log so far, once it holds what is looked for: a thread of llama.cpp's own writes it, a little later. */
    private String logged(Pattern awaited) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LOG_PATIENCE_MS);
        String text = Files.readString(log, StandardCharsets.ISO_8859_1);
        while (!awaited.matcher(text).find() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            text = Files.readString(log, StandardCharsets.ISO_8859_1);
        }
        return text;
    }

    private static final class Timings {
        private double promptMs;
        private int promptTokens;
        private double ms;
        private int tokens;
    }

    /** The command line, in llama-completion's words. */
    private static final class Options {
        private final ModelParameters model =
                new ModelParameters().setCtxSize(0).setParallel(1).skipWarmup().disableContextShift();
        private Path promptFile = Path.of("/dev/stdin");
        private int tokens = -1;
        private Float temperature;
        private Integer topK;
        private Float topP;
        private Float minP;
        private Integer seed;

        static Options parse(String[] args) {
            Options options = new Options();
            for (int i = 0; i < args.length; i++) {
                if (isSwitch(args[i])) {
                    continue;
                }
                if (i + 1 == args.length) {
                    throw new IllegalArgumentException("invalid argument: " + args[i]);
                }
                options.set(args[i], args[++i]);
            }
            return options;
        }

        /** What llama-completion needs to be told and this program does anyway. */
        private static boolean isSwitch(String flag) {
            return switch (flag) {
                case "-no-cnv",
                        "--no-display-prompt",
                        "--no-escape",
                        "--simple-io",
                        "--no-context-shift",
                        "--no-warmup" -> true;
                default -> false;
            };
        }

        private void set(String flag, String value) {
            switch (flag) {
                case "-m" -> model.setModel(value);
                case "-f" -> promptFile = Path.of(value);
                case "-n" -> tokens = Integer.parseInt(value);
                case "-c" -> model.setCtxSize(Integer.parseInt(value));
                case "-t" -> model.setThreads(Integer.parseInt(value));
                case "-tb" -> model.setThreadsBatch(Integer.parseInt(value));
                case "--poll" -> model.setPoll(Integer.parseInt(value));
                case "--temp" -> temperature = Float.valueOf(value);
                case "--top-k" -> topK = Integer.valueOf(value);
                case "--top-p" -> topP = Float.valueOf(value);
                case "--min-p" -> minP = Float.valueOf(value);
                case "--seed" -> seed = Integer.parseUnsignedInt(value);
                default -> throw new IllegalArgumentException("invalid argument: " + flag);
            }
        }

        InferenceParameters inference(String prompt) {
            InferenceParameters inference = new InferenceParameters(prompt).setNPredict(tokens);
            if (temperature != null) {
                inference.setTemperature(temperature);
            }
            if (topK != null) {
                inference.setTopK(topK);
            }
            if (topP != null) {
                inference.setTopP(topP);
            }
            if (minP != null) {
                inference.setMinP(minP);
            }
            if (seed != null) {
                inference.setSeed(seed);
            }
            return inference;
        }
    }
}
