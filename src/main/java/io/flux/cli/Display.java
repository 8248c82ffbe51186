package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a person, or the next program of a pipe, sees: the answer on stdout and everything else on stderr. On a terminal
 * one line says where the job stands and makes room for the answer. Not thread-safe.
 */
final class Display {
    private static final String CLEAR_LINE = "\r\033[K";

    private final OutputStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final boolean json;
    private final boolean quiet;
    private String status = "";
    private boolean midLine;

    /**
     * @param terminal whether stderr is one
     * @param json events on stdout instead of the answer
     * @param quiet no more than errors on stderr
     */
    Display(OutputStream out, PrintStream err, boolean terminal, boolean json, boolean quiet) {
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.json = json;
        this.quiet = quiet;
    }

    /** An event as Flux sent it. */
    void event(String frame) throws IOException {
        if (json) {
            clearStatus();
            write(frame.replaceAll("[\\r\\n]+", " ") + "\n"); // a line break is only ever between two values
        }
    }

    /** A piece of the answer. */
    void text(String content) throws IOException {
        if (json || content.isEmpty()) {
            return;
        }
        clearStatus();
        write(content);
        midLine = !content.endsWith("\n");
    }

    private void write(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** Where the job stands; takes the place of what was said before. */
    void status(String words) {
        String line = Plain.oneLine(words);
        if (quiet || midLine || line.equals(status)) {
            return;
        }
        if (terminal) {
            err.print(CLEAR_LINE + line);
            err.flush();
        } else {
            err.println(line);
        }
        status = line;
    }

    /** Something that a reader of the answer has to know; stays. */
    void notice(String words) {
        String line = Plain.harmless(words);
        if (quiet) {
            return;
        }
        clearStatus();
        err.println(midLine && terminal ? "\n[" + line + "]" : line);
    }

    /** The answer ends, whole or not: stdout is left at the beginning of a line. */
    void endText() throws IOException {
        clearStatus();
        if (midLine) {
            write("\n");
            midLine = false;
        }
    }

    /** One line on what the answer took. */
    void summary(JsonNode complete) {
        if (!quiet) {
            err.println(Plain.harmless(summarize(complete)));
        }
    }

    /** What went wrong, in words. */
    void error(String sentence) {
        clearStatus();
        err.println("flux: " + Plain.harmless(sentence));
    }

    private void clearStatus() {
        if (terminal && !status.isEmpty()) {
            err.print(CLEAR_LINE);
            err.flush();
        }
        status = "";
    }

    private static String summarize(JsonNode complete) {
        List<String> parts = new ArrayList<>();
        JsonNode tokens = complete.path("token_count");
        if (tokens.isNumber()) {
            parts.add(tokens.asLong() + (tokens.asLong() == 1 ? " token" : " tokens"));
        }
        JsonNode timings = complete.path("timings");
        if (timings.path("ttft_ms").isNumber()) {
            parts.add("first token after " + time(timings.path("ttft_ms").asLong()));
        }
        if (timings.path("tokens_per_second").isNumber()) {
            parts.add(String.format(
                    Locale.ROOT,
                    "%.1f tokens/s",
                    timings.path("tokens_per_second").asDouble()));
        }
        String reason = complete.path("finish_reason").asText("stop");
        switch (reason) {
            case "stop" -> {
                if (parts.isEmpty()) {
                    parts.add("complete");
                }
            }
            case "length" -> parts.add("length: the token limit was reached");
            case "deadline" -> parts.add("deadline: the time limit was reached");
            default -> parts.add(reason);
        }
        return String.join(" · ", parts);
    }

    /** Milliseconds for a reader: 140 ms, 4.2 s, 3 min. */
    static String time(long ms) {
        if (ms < 1000) {
            return ms + " ms";
        }
        if (ms < 100_000) {
            return String.format(Locale.ROOT, "%.1f s", ms / 1000.0);
        }
        return Math.round(ms / 60_000.0) + " min";
    }
}
