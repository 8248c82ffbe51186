package io.flux.engine;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What llama-completion says about a run on stderr.
 *
 * <p><b>Whole or cut.</b> One thread of llama-completion writes text (stdout) and log (stderr) in the order in which
 * they were said, and the process may exit, with code 0, before that thread is done. So the text is whole as soon as
 * one line of the timings, which come after the text, was written; the last of them ({@code graph reallocs}) is often
 * there and may be missing.
 *
 * <p><b>Counts.</b> The number of generated tokens is the samplers' count less the prompt's: the samplers see each
 * prompt token and each generated one, the one that ends the text included. {@code eval time … runs} is one less (the
 * prompt's evaluation yields the first token) and is never printed as 0, so it only serves where the samplers' line is
 * missing.
 */
final class LlamaCompletionLog {
    private static final Pattern TIMINGS = Pattern.compile("perf\\w*_print:|llama_print_timings:");
    private static final Pattern SAMPLED =
            Pattern.compile("(?:print|timings): +sampl(?:ers|e|ing) time = .*/ +(\\d+) (?:tokens|runs)");
    private static final Pattern PROMPT = Pattern.compile("(?:print|timings): +prompt eval time = .*/ +(\\d+) tokens");
    private static final Pattern EVAL = Pattern.compile("(?:print|timings): +eval time = .*/ +(\\d+) runs");
    private static final Pattern OVER = Pattern.compile("graph reallocs = [^\\n]*\\n\\s*\\z");
    private static final Pattern TOO_LONG = Pattern.compile("prompt is too long \\((\\d+) tokens, max (\\d+)\\)");

    private final String stderr;

    /** @param stderr all of it or its end */
    LlamaCompletionLog(String stderr) {
        this.stderr = stderr;
    }

    /** Whether the log got past the end of the text, so that no text can be missing. */
    boolean textIsWhole() {
        return TIMINGS.matcher(stderr).find();
    }

    /** Whether the log's last line is there, so that nothing more will be said. */
    boolean isOver() {
        return OVER.matcher(stderr).find();
    }

    /** Tokens of the prompt, a begin-of-text token included; null when the log does not say. */
    Integer promptTokens() {
        return number(PROMPT);
    }

    /** Tokens generated, the one that ends the text included; null when the log does not say. */
    Integer completionTokens() {
        Integer prompt = promptTokens();
        Integer sampled = number(SAMPLED);
        if (prompt != null && sampled != null && sampled >= prompt) {
            return sampled - prompt;
        }
        Integer runs = number(EVAL);
        return runs == null ? null : Integer.valueOf(runs + 1);
    }

    /** The failure that tells the client how much too long the prompt is; null when it is not. */
    EngineFailure promptTooLong() {
        Matcher matcher = TOO_LONG.matcher(stderr);
        return matcher.find()
                ? EngineFailure.promptTooLong(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)))
                : null;
    }

    private Integer number(Pattern pattern) {
        Matcher matcher = pattern.matcher(stderr);
        return matcher.find() ? Integer.valueOf(matcher.group(1)) : null;
    }
}
