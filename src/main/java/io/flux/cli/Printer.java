package io.flux.cli;

import java.io.IOException;

/** Where a command's result goes; an {@code IOException} means that nobody reads it. */
interface Printer {
    void print(String text) throws IOException;
}
