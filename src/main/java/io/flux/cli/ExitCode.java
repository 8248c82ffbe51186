package io.flux.cli;

/** What the commands leave behind for the shell. */
final class ExitCode {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int MISUSED = 2;
    /** What a shell reports for a program that was ended by Ctrl-C. */
    static final int INTERRUPTED = 130;
    /** What a shell reports for a program that wrote into a pipe that nobody reads. */
    static final int OUTPUT_GONE = 141;

    private ExitCode() {}
}
