package io.flux.cli;

import java.io.PrintStream;
import java.util.function.Consumer;

/** What goes on, for one who waits: one line that changes on a terminal, elsewhere a line now and then. For one thread. */
final class Progress implements Consumer<String> {
    /** Between two lines where there is no terminal. */
    private static final long LINES_NANOS = 5_000_000_000L;
    /** Between two changes on a terminal. */
    private static final long CHANGES_NANOS = 100_000_000L;

    private final PrintStream err;
    private final boolean terminal;
    private String last = "";
    private long next = System.nanoTime();

    /** @param terminal whether {@code err} is one */
    Progress(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    @Override
    public void accept(String what) {
        long now = System.nanoTime();
        if (now < next || what.equals(last)) {
            return;
        }
        next = now + (terminal ? CHANGES_NANOS : LINES_NANOS);
        last = what;
        err.print((terminal ? "\r" : "") + "flux: " + what + (terminal ? "\u001b[K" : "\n"));
        err.flush();
    }

    /** Takes the line away. */
    void over() {
        if (terminal) {
            err.print("\r\u001b[K");
            err.flush();
        }
    }
}
