package io.flux.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands for llama-completion where what matters is Flux and not the model: a real process that reads its prompt from
 * stdin, writes a {@link Story} to stdout at its pace, goes on after what earlier attempts have written, and ends as
 * llama-completion does. Takes its arguments and heeds none.
 */
public final class PacedEngine {
    private static final String END = " [end of text]\n\n\n";

    private PacedEngine() {}

    public static void main(String[] args) throws IOException {
        String prompt = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        try (OutputStream out = new FileOutputStream(FileDescriptor.out)) {
            // Flux ends what llama-completion reads with a newline of its own.
            int written = write(Story.asked(prompt.substring(0, prompt.length() - 1)), out);
            out.write(END.getBytes(StandardCharsets.US_ASCII));
            log(written);
        }
    }

    private static int write(Story.Asked asked, OutputStream out) throws IOException {
        Story story = asked.story();
        String text = story.text();
        if (!text.startsWith(asked.soFar())) {
            throw new IllegalArgumentException("what is written already is no part of this story: " + asked.soFar());
        }
        long pause = 1_000_000_000L / story.perSecond();
        long due = System.nanoTime();
        int end = 0;
        int written = 0;
        for (int number = 1; number <= story.tokens(); number++) {
            end += story.token(number).length();
            int from =
                    Math.max(end - story.token(number).length(), asked.soFar().length());
            if (from < end) {
                out.write(text.substring(from, end).getBytes(StandardCharsets.US_ASCII));
                written++;
                due += pause;
                await(due);
            }
        }
        return written;
    }

    private static void await(long due) {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** What tells a reader of llama-completion's log that nothing of the text is missing, and how much there was. */
    private static void log(int written) {
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.US_ASCII);
        err.printf("common_perf_print:    samplers time =       0.00 ms / %5d tokens%n", written + 1);
        err.printf("common_perf_print: prompt eval time =       0.00 ms / %5d tokens%n", 1);
        err.printf("common_perf_print:        eval time =       0.00 ms / %5d runs%n", Math.max(1, written - 1));
        err.printf("common_perf_print:   graph reallocs =          0%n");
    }
}
