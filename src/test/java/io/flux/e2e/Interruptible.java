package io.flux.e2e;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Programs that Ctrl-C ends. What is started in the background of a script ({@code nohup mvn verify &}) ignores SIGINT, and so
 * does all that it starts, these tests' processes too, unless a launcher resets the signal.
 */
public final class Interruptible {
    /** Each replaces itself by the command that comes behind, which keeps its process id. */
    private static final List<List<String>> LAUNCHERS = List.of(
            List.of("env", "--default-signal=INT"),
            List.of("perl", "-e", "$SIG{INT} = 'DEFAULT'; exec @ARGV or die $!"),
            List.of(
                    "python3",
                    "-c",
                    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"));

    private Interruptible() {}

    /** The command, with what it needs before it. Skips the test where this machine has nothing that would do. */
    public static List<String> command(List<String> command) {
        for (List<String> launcher : LAUNCHERS) {
            if (runs(with(launcher, List.of("true")))) {
                return with(launcher, command);
            }
        }
        Machine.missing("env --default-signal, perl and python3 are not installed; one of them must be");
        return command;
    }

    private static List<String> with(List<String> launcher, List<String> command) {
        List<String> all = new ArrayList<>(launcher);
        all.addAll(command);
        return all;
    }

    private static boolean runs(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).start();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
