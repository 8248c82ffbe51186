package io.flux.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.springframework.util.FileSystemUtils;

/** {@code flux bench}: Flux measured from outside, on this machine. */
public final class Bench {
    /** Longer than a worker takes to hand its answers over. */
    private static final int PATIENCE_SECONDS = 60;

    private final OutputStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final Path home;

    /**
     * @param terminal whether {@code err} is one
     * @param home the folder of the project, for what ships with it
     */
    Bench(OutputStream out, PrintStream err, boolean terminal, Path home) {
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.home = home;
    }

    public static void main(String[] args) {
        StandardStreams streams = StandardStreams.take();
        boolean terminal = System.getProperty("flux.terminals", "").contains("2");
        Path home = Path.of(System.getProperty("flux.home", "."));
        CountDownLatch done = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(new Ending(Thread.currentThread(), done), "bench-ending"));
        int code;
        try {
            code = new Bench(streams.out(), streams.err(), terminal, home).run(List.of(args));
        } catch (InterruptedException e) {
            code = ExitCode.INTERRUPTED;
        }
        done.countDown();
        System.exit(code);
    }

    /** On Ctrl-C the processes that were started end before this one does. */
    private record Ending(Thread bench, CountDownLatch done) implements Runnable {
        @Override
        public void run() {
            if (done.getCount() > 0) {
                bench.interrupt();
                try {
                    if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                        System.err.println("flux: some processes of the bench may be left");
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** Does what the command line says; blocks until it is done. Returns the exit code. */
    int run(List<String> arguments) throws InterruptedException {
        return Outcome.of("bench", err, () -> take(arguments));
    }

    private int take(List<String> arguments) throws Misuse, FluxError, IOException, InterruptedException {
        Progress progress = new Progress(err, terminal);
        BenchCommand command;
        if (!arguments.isEmpty() && arguments.get(0).equals("scale")) {
            ScaleOptions options = ScaleOptions.parse(arguments.subList(1, arguments.size()), home);
            if (options.help()) {
                print(ScaleOptions.HELP);
                return ExitCode.DONE;
            }
            command = new BenchScale(options, this::print, err, progress);
        } else {
            BenchOptions options = BenchOptions.parse(arguments);
            if (options.help()) {
                print(BenchOptions.helpText());
                return ExitCode.DONE;
            }
            command = new BenchSuite(options, this::print, err, progress);
        }
        run(command);
        return ExitCode.DONE;
    }

    private static void run(BenchCommand command) throws FluxError, IOException, InterruptedException {
        Path folder = Files.createTempDirectory("flux-bench-");
        boolean whole = false;
        try {
            whole = command.run(folder);
        } catch (InterruptedException e) {
            FileSystemUtils.deleteRecursively(folder);
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new FluxError(e.getMessage() + "; the logs of all processes are in " + folder, true);
        }
        if (!whole) {
            throw new FluxError("not every answer was exact; the logs of all processes are in " + folder, true);
        }
        FileSystemUtils.deleteRecursively(folder);
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
