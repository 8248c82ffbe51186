package io.flux.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.job.JobRequest;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * The command line of a llama-completion run, one per job. Immutable.
 *
 * <p>Why each fixed flag is there:
 *
 * <ul>
 *   <li>{@code -f /dev/stdin}: a prompt as an argument fails above 128 KiB and shows in {@code ps}.
 *   <li>{@code --no-escape}: without it a backslash and an n in the prompt become a newline, from a file too.
 *   <li>{@code -no-cnv --no-display-prompt --simple-io}: no chat of its own, no echo, hands off the terminal.
 *   <li>{@code --no-context-shift}: at the end of the context it ends with {@code length} and does not silently forget
 *       the prompt, whatever the build's default.
 *   <li>{@code --no-warmup}: a process that serves one prompt warms up for nobody.
 *   <li>{@code --poll 0}: threads that wait do not burn the core that writes the output.
 * </ul>
 *
 * <p>llama-completion reads special tokens such as {@code <|im_end|>} wherever they are in a prompt and has no option
 * against it: whoever applies the chat template must see to what a user writes.
 *
 * <p>A schema or a grammar is an argument, whose 128 KiB it never fills (the reader of requests sees to that), and is
 * written in ASCII: the JVM encodes arguments in the machine's charset, and in a container that often is ASCII.
 */
public final class LlamaCompletionCommand {
    private final Path modelFile;
    private final int threads;
    private final Integer contextTokens;
    private final List<String> extraArgs;

    /**
     * @param modelFile the GGUF
     * @param threads threads of one engine, at least 1; more than cores ÷ slots makes it slow
     * @param contextTokens the context's length, or null for the model's
     * @param extraArgs appended as they are, so that they win; may be empty
     */
    public LlamaCompletionCommand(Path modelFile, int threads, Integer contextTokens, List<String> extraArgs) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, not " + threads);
        }
        if (contextTokens != null && contextTokens < 1) {
            throw new IllegalArgumentException("contextTokens must be at least 1, not " + contextTokens);
        }
        this.modelFile = modelFile.toAbsolutePath();
        this.threads = threads;
        this.contextTokens = contextTokens;
        this.extraArgs = List.copyOf(extraArgs);
    }

    /** The arguments for a job, for {@code CamelExecCommandArgs}: nothing but strings, taken verbatim. */
    public List<String> arguments(EngineJob job, Completion completion) {
        JobRequest request = job.request();
        List<String> args = new ArrayList<>(List.of("-m", modelFile.toString(), "-f", "/dev/stdin"));
        add(args, "-n", completion.maxTokens());
        args.addAll(List.of("-no-cnv", "--no-display-prompt", "--no-escape", "--simple-io"));
        args.addAll(List.of("--no-context-shift", "--no-warmup"));
        add(args, "-t", threads);
        add(args, "-tb", threads);
        add(args, "--poll", 0);
        add(args, "-c", contextTokens);
        add(args, "--temp", decimal(request.temperature()));
        add(args, "--top-k", request.topK());
        add(args, "--top-p", decimal(request.topP()));
        add(args, "--min-p", decimal(request.minP()));
        add(args, "--seed", LlamaSeed.of(request));
        add(args, "--json-schema", json(request.jsonSchema()));
        add(args, "--grammar", gbnf(request.grammar()));
        args.addAll(extraArgs);
        return List.copyOf(args);
    }

    /**
     * What the engine reads: the prompt and one more newline, because {@code -f} takes one off. Bytes, because a string
     * would be encoded with the JVM's default charset on its way.
     */
    public byte[] stdin(Completion completion) {
        return (completion.prompt() + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static void add(List<String> args, String flag, Object value) {
        if (value != null) {
            args.add(flag);
            args.add(value.toString());
        }
    }

    private static String decimal(Double value) {
        return value == null ? null : BigDecimal.valueOf(value).toPlainString();
    }

    private static String json(JsonNode schema) {
        return schema == null ? null : ascii(schema.toString(), LlamaCompletionCommand::jsonEscape);
    }

    /** A backslash before a character that is no ASCII is an error in GBNF; it stays one, since no escape is made of it. */
    private static String gbnf(String grammar) {
        return grammar == null ? null : ascii(grammar, LlamaCompletionCommand::gbnfEscape);
    }

    private static String ascii(String text, IntFunction<String> escape) {
        // Halves of surrogate pairs become question marks.
        String wellFormed = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        StringBuilder ascii = new StringBuilder(wellFormed.length());
        boolean escaped = false;
        for (int character : wellFormed.codePoints().toArray()) {
            ascii.append(character < 0x7F || escaped ? Character.toString(character) : escape.apply(character));
            escaped = character == '\\' && !escaped;
        }
        return ascii.toString();
    }

    private static String jsonEscape(int character) {
        StringBuilder escape = new StringBuilder();
        for (char unit : Character.toChars(character)) {
            escape.append(String.format(Locale.ROOT, "\\u%04x", (int) unit));
        }
        return escape.toString();
    }

    private static String gbnfEscape(int character) {
        return String.format(Locale.ROOT, Character.isBmpCodePoint(character) ? "\\u%04x" : "\\U%08x", character);
    }
}
