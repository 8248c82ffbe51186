package io.flux.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands for llama-completion where what matters is Flux and not the model: a real process that reads its prompt from
 * stdin, writes a {@link Story} to stdout at its pace, one {@code write} for each token, goes on after what earlier attempts have
 * written, and ends as llama-completion does. Takes its arguments and heeds none. Where {@value #STAMPS} names a folder it notes
 * the time right before it writes each token of a story that has a name.
 */
public final class PacedEngine {
    /** The system property that names the folder of {@link Stamps}. */
    static final String STAMPS = "flux.bench.stamps";

    private static final String END = " [end of text]\n\n\n";

    private PacedEngine() {}

    public static void main(String[] args) throws IOException {
        String prompt = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        // Flux ends what llama-completion reads with a newline of its own.
        Story.Asked asked = Story.asked(prompt.substring(0, prompt.length() - 1));
        String folder = System.getProperty(STAMPS, "");
        boolean stamped = !folder.isEmpty() && !asked.story().name().isEmpty();
        Stamps stamps = stamped ? Stamps.write(Path.of(folder), asked.story()) : null;
        try (OutputStream out = new FileOutputStream(FileDescriptor.out)) {
            int written = write(asked, out, stamps);
            out.write(END.getBytes(StandardCharsets.US_ASCII));
            log(written);
        }
    }

    private static int write(Story.Asked asked, OutputStream out, Stamps stamps) throws IOException {
        Story story = asked.story();
        long pause = story.perSecond() == 0 ? 0 : 1_000_000_000L / story.perSecond();
        long due = System.nanoTime();
        int position = asked.soFar().length();
        int written = 0;
        byte[] token = new byte[Story.TOKEN];
        while (position < story.length()) {
            int number = position / Story.TOKEN;
            int end = (number + 1) * Story.TOKEN;
            int size = 0;
            while (position < end) {
                token[size++] = (byte) Story.character(position++);
            }
            if (stamps != null) {
                stamps.set(number, System.nanoTime());
            }
            out.write(token, 0, size);
            written++;
            if (pause > 0) {
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
    private static void log(int written) throws IOException {
        String log = "common_perf_print:    samplers time =       0.00 ms / " + (written + 1) + " tokens\n"
                + "common_perf_print: prompt eval time =       0.00 ms / 1 tokens\n"
                + "common_perf_print:        eval time =       0.00 ms / " + Math.max(1, written - 1) + " runs\n"
                + "common_perf_print:   graph reallocs =          0\n";
        try (OutputStream err = new FileOutputStream(FileDescriptor.err)) {
            err.write(log.getBytes(StandardCharsets.US_ASCII));
        }
    }
}
