package io.flux.engine;

import java.util.Objects;

/**
 * How an engine ended: either with a reason to finish or with a failure.
 *
 * @param finish why the answer ended, or null when it failed
 * @param failure what went wrong, or null when nothing did
 * @param exitCode the process's exit code (128 + n when signal n killed it); null when it did not end by itself
 * @param promptTokens tokens read, or null when the engine did not say
 * @param completionTokens tokens generated, the one that ends the text included; null when the engine did not say
 * @param times where its time went, as far as it said; of what was stopped or failed it says nothing
 * @param stderrTail the end of what the engine wrote to stderr, at most 4096 chars, for operators
 */
public record EngineEnd(
        FinishReason finish,
        EngineFailure failure,
        Integer exitCode,
        Integer promptTokens,
        Integer completionTokens,
        EngineTimes times,
        String stderrTail)
        implements EngineOutput {

    /** The most chars that {@link #stderrTail} holds. */
    static final int STDERR_CHARS = 4096;

    public EngineEnd {
        if ((finish == null) == (failure == null)) {
            throw new IllegalArgumentException("an engine ends with a reason to finish or a failure, not both");
        }
        Objects.requireNonNull(times, "times");
        Objects.requireNonNull(stderrTail, "stderrTail");
        stderrTail = lastOf(stderrTail, STDERR_CHARS);
    }

    /** One of an engine that did not say where its time went. */
    public EngineEnd(
            FinishReason finish,
            EngineFailure failure,
            Integer exitCode,
            Integer promptTokens,
            Integer completionTokens,
            String stderrTail) {
        this(finish, failure, exitCode, promptTokens, completionTokens, EngineTimes.NONE, stderrTail);
    }

    /** The end of an answer that no engine needs to be asked for any more. */
    public static EngineEnd unasked(FinishReason finish) {
        return finished(finish, null, "");
    }

    static EngineEnd finished(FinishReason finish, Integer exitCode, String stderr) {
        return new EngineEnd(finish, null, exitCode, null, null, stderr);
    }

    static EngineEnd failed(EngineFailure failure, Integer exitCode, String stderr) {
        return new EngineEnd(null, failure, exitCode, null, null, stderr);
    }

    EngineEnd withTokens(Integer prompt, Integer completion) {
        return new EngineEnd(finish, failure, exitCode, prompt, completion, times, stderrTail);
    }

    EngineEnd withTimes(EngineTimes said) {
        return new EngineEnd(finish, failure, exitCode, promptTokens, completionTokens, said, stderrTail);
    }

    /** The same, ended for another reason. */
    EngineEnd as(FinishReason reason) {
        return new EngineEnd(reason, null, exitCode, promptTokens, completionTokens, times, stderrTail);
    }

    /** Whether the attempt failed. */
    public boolean isFailure() {
        return failure != null;
    }

    private static String lastOf(String text, int chars) {
        if (text.length() <= chars) {
            return text;
        }
        int start = text.length() - chars;
        return text.substring(Character.isLowSurrogate(text.charAt(start)) ? start + 1 : start);
    }
}
