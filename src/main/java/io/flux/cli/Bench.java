package io.flux.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.ScaleChart;
import io.flux.bench.ScaleDrill;
import io.flux.bench.ScaleSample;
import io.flux.bench.StoryStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.springframework.util.FileSystemUtils;

/** {@code flux bench}: Flux measured from outside, on this machine. */
public final class Bench {
    /** Seconds between two lines of progress where there is no terminal. */
    private static final int LINES = 5;

    /** Longer than a worker takes to hand its answers over. */
    private static final int PATIENCE_SECONDS = 60;

    private final OutputStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final Path home;
    private double nextLine;

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
        BenchOptions options = BenchOptions.parse(arguments, home);
        if (options.help()) {
            print(BenchOptions.HELP);
            return ExitCode.DONE;
        }
        Path folder = Files.createTempDirectory("flux-bench-");
        ScaleDrill.Run run = play(options, folder);
        if (terminal) {
            err.print("\r\u001b[K");
        }
        if (options.picture() != null) {
            draw(run, options.picture());
        }
        tell(run, options.json());
        if (!run.isWhole()) {
            throw new FluxError("the logs of all processes are in " + folder, true);
        }
        FileSystemUtils.deleteRecursively(folder);
        return ExitCode.DONE;
    }

    private ScaleDrill.Run play(BenchOptions options, Path folder) throws FluxError, InterruptedException {
        try {
            return new ScaleDrill(options.plan(), folder, this::progress).run();
        } catch (IOException | RuntimeException e) {
            throw new FluxError(e.getMessage() + "; the logs of all processes are in " + folder, true);
        }
    }

    private static void draw(ScaleDrill.Run run, Path picture) throws FluxError {
        try {
            Files.writeString(picture, ScaleChart.of(run));
        } catch (IOException e) {
            throw new FluxError("cannot write " + picture, true);
        }
    }

    private void tell(ScaleDrill.Run run, boolean asJson) throws IOException {
        Map<String, Object> figures = figures(run);
        if (asJson) {
            print(new ObjectMapper().writeValueAsString(figures) + "\n");
        } else {
            StringBuilder table = new StringBuilder();
            figures.forEach((name, value) -> table.append(String.format(Locale.ROOT, "%-44s %s%n", name, value)));
            print(table.toString());
        }
        run.streams().stream()
                .map(StoryStream::problem)
                .filter(Objects::nonNull)
                .limit(10)
                .forEach(problem -> err.println("flux: a stream is wrong: " + problem));
    }

    /** One line that changes on a terminal; elsewhere a line now and then. */
    private void progress(ScaleSample sample) {
        if (!terminal && sample.seconds() < nextLine) {
            return;
        }
        nextLine += LINES;
        err.printf(
                Locale.ROOT,
                "%sflux: %.0f s: %d waiting, %d running; workers: %d of %d ready, %d leaving; %d streams open%s",
                terminal ? "\r" : "",
                sample.seconds(),
                sample.waiting(),
                sample.running(),
                sample.ready(),
                sample.wanted(),
                sample.leaving(),
                sample.open(),
                terminal ? "\u001b[K" : "\n");
        err.flush();
    }

    private static Map<String, Object> figures(ScaleDrill.Run run) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("streams", run.streams().size());
        figures.put(
                "streams exact",
                run.streams().stream()
                        .filter(stream -> stream.problem() == null)
                        .count());
        figures.put("answers that went on in another worker", sum(run, StoryStream::restarts));
        figures.put(
                "workers at most",
                run.samples().stream().mapToInt(ScaleSample::ready).max().orElse(0));
        figures.put("workers started", run.started());
        figures.put("workers killed after their grace", run.killed());
        figures.put("workers that failed", run.failed());
        figures.put("all tickets within, s", seconds(most(run, StoryStream::ticketMs)));
        figures.put("first token of all, s after the burst", seconds(least(run, StoryStream::firstTokenMs)));
        figures.put("last first token, s after the burst", seconds(most(run, StoryStream::firstTokenMs)));
        figures.put("last answer, s after the burst", after(run, run.lastOpen()));
        figures.put("back at zero workers, s after the burst", run.backAtZero() ? after(run, run.end()) : "never");
        return figures;
    }

    private static double after(ScaleDrill.Run run, double seconds) {
        return seconds(1000 * (seconds - run.burstAt()));
    }

    private static long sum(ScaleDrill.Run run, ToDoubleFunction<StoryStream> value) {
        return (long) run.streams().stream().mapToDouble(value).sum();
    }

    private static double most(ScaleDrill.Run run, ToDoubleFunction<StoryStream> value) {
        return statistics(run, value).getMax();
    }

    private static double least(ScaleDrill.Run run, ToDoubleFunction<StoryStream> value) {
        return statistics(run, value).getMin();
    }

    private static DoubleSummaryStatistics statistics(ScaleDrill.Run run, ToDoubleFunction<StoryStream> value) {
        return run.streams().stream().mapToDouble(value).summaryStatistics();
    }

    /** To a hundredth. */
    private static double seconds(double ms) {
        return Math.round(ms / 10) / 100.0;
    }

    private void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
