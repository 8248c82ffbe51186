package io.flux.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Stdout when it is a terminal. A model writes what users made it write, and a terminal obeys what is written to it: it
 * would set titles and clipboards, hide lines and answer questions. So control characters other than line breaks and tabs,
 * and those that reverse the direction of text, are replaced. Through a pipe or into a file everything goes as it is.
 *
 * <p>Each write holds whole characters of UTF-8. Not thread-safe.
 */
final class TerminalOutput extends OutputStream {
    private final OutputStream out;
    private boolean carriageReturn;

    TerminalOutput(OutputStream out) {
        this.out = out;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return;
        }
        String text = new String(bytes, offset, length, StandardCharsets.UTF_8);
        // A carriage return was written as a line break already; the break that belongs to it came later.
        String rest = carriageReturn && text.charAt(0) == '\n' ? text.substring(1) : text;
        carriageReturn = text.charAt(text.length() - 1) == '\r';
        out.write(Plain.harmless(rest).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void write(int single) throws IOException {
        write(new byte[] {(byte) single}, 0, 1);
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
