package io.flux.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What a command writes to.
 *
 * @param out its result, as bytes and unbuffered; on a terminal without what terminals obey
 * @param err everything else, as UTF-8
 */
record StandardStreams(OutputStream out, PrintStream err) {

    /** Those of this process. From now on whatever a library prints goes to stderr: it must not get into the result. */
    static StandardStreams take() {
        OutputStream raw = new FileOutputStream(FileDescriptor.out);
        OutputStream out = Ask.Terminals.detect().out() ? new TerminalOutput(raw) : raw;
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        System.setOut(err);
        System.setErr(err);
        return new StandardStreams(out, err);
    }
}
