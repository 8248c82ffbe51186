package io.flux.engine;

import io.flux.job.JobRequest;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

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
 *
 * <p><b>Schemas and grammars.</b> A schema that cannot be converted is a mistake in an argument to it: exit code 1 and
 * that argument's usage. With the grammar, the converted or the client's, it breaks off: exit code 134 and what was
 * thrown. Both are written without the thread, so they are never missing.
 */
final class LlamaCompletionLog {
    private static final Pattern TIMINGS = Pattern.compile("perf\\w*_print:|llama_print_timings:");
    private static final Pattern SAMPLED =
            Pattern.compile("(?:print|timings): +sampl(?:ers|e|ing) time = .*/ +(\\d+) (?:tokens|runs)");
    private static final Pattern PROMPT = Pattern.compile("(?:print|timings): +prompt eval time = .*/ +(\\d+) tokens");
    private static final Pattern EVAL = Pattern.compile("(?:print|timings): +eval time = .*/ +(\\d+) runs");
    private static final Pattern LOAD_MS = ms("load time");
    private static final Pattern PROMPT_MS = ms("prompt eval time");
    private static final Pattern EVAL_MS = ms("eval time");
    private static final Pattern OVER = Pattern.compile("graph reallocs = [^\\n]*\\n\\s*\\z");
    private static final Pattern TOO_LONG = Pattern.compile("prompt is too long \\((\\d+) tokens, max (\\d+)\\)");

    private static final Pattern CONSTRAINT_REFUSED = Pattern.compile("(?i)JSON schema conversion failed"
            + "|error while handling argument \"--json-schema\"|--json-schema SCHEMA|failed to parse grammar");
    private static final Pattern REASON = Pattern.compile(
            "JSON schema conversion failed:\\s*(?:JSON schema error )?(.+)"
                    + "|error parsing grammar: (.+)|(grammar does not contain a 'root' symbol|left recursion detected)");
    private static final int LONGEST_REASON = 200;

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

    /** Where its time went. */
    EngineTimes times() {
        return new EngineTimes(time(LOAD_MS), time(PROMPT_MS), time(EVAL_MS));
    }

    /** The failure that tells the client what the engine does not take; null when the request is not to blame. */
    EngineFailure refusal(JobRequest request) {
        Matcher tooLong = TOO_LONG.matcher(stderr);
        if (tooLong.find()) {
            return EngineFailure.promptTooLong(Integer.parseInt(tooLong.group(1)), Integer.parseInt(tooLong.group(2)));
        }
        if (!request.isConstrained() || !CONSTRAINT_REFUSED.matcher(stderr).find()) {
            return null;
        }
        String field = request.grammar() == null ? "json_schema" : "grammar";
        if (stderr.contains("error parsing grammar: std::bad_alloc")) {
            return EngineFailure.invalid(field, "the engine has not enough memory for this " + field);
        }
        return EngineFailure.invalid(field, "the engine does not take this " + field + reason());
    }

    /** In the engine's words, in brackets; nothing when its words are lost. */
    private String reason() {
        Matcher matcher = REASON.matcher(stderr);
        if (!matcher.find()) {
            return "";
        }
        String reason = Stream.of(matcher.group(1), matcher.group(2), matcher.group(3))
                .filter(Objects::nonNull)
                .findFirst()
                .orElseThrow()
                .strip();
        return " (" + (reason.length() > LONGEST_REASON ? reason.substring(0, LONGEST_REASON) + "…" : reason) + ")";
    }

    private static Pattern ms(String what) {
        return Pattern.compile("(?:print|timings): +" + what + " = +([\\d.]+) ms");
    }

    private Double time(Pattern pattern) {
        Matcher matcher = pattern.matcher(stderr);
        return matcher.find() ? Double.valueOf(matcher.group(1)) : null;
    }

    private Integer number(Pattern pattern) {
        Matcher matcher = pattern.matcher(stderr);
        return matcher.find() ? Integer.valueOf(matcher.group(1)) : null;
    }
}
