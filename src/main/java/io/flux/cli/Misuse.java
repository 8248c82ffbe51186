package io.flux.cli;

/** The command line makes no sense; the message says why. */
final class Misuse extends Exception {
    private static final long serialVersionUID = 1L;

    Misuse(String message) {
        super(message);
    }
}
