package io.flux.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.ScaleChart;
import io.flux.bench.ScaleDrill;
import io.flux.bench.ScaleSample;
import io.flux.bench.StoryStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/** {@code flux bench scale}. */
final class BenchScale implements BenchCommand {
    private static final int PROBLEMS_SHOWN = 10;

    private final ScaleOptions options;
    private final Printer out;
    private final PrintStream err;
    private final Progress progress;

    BenchScale(ScaleOptions options, Printer out, PrintStream err, Progress progress) {
        this.options = options;
        this.out = out;
        this.err = err;
        this.progress = progress;
    }

    @Override
    public boolean run(Path folder) throws FluxError, IOException, InterruptedException {
        ScaleDrill.Run run = new ScaleDrill(options.plan(), folder, this::show).run();
        progress.over();
        if (options.picture() != null) {
            draw(run, options.picture());
        }
        tell(run);
        return run.isWhole();
    }

    private static void draw(ScaleDrill.Run run, Path picture) throws FluxError {
        try {
            Files.writeString(picture, ScaleChart.of(run));
        } catch (IOException e) {
            throw new FluxError("cannot write " + picture, true);
        }
    }

    private void tell(ScaleDrill.Run run) throws IOException {
        Map<String, Object> figures = figures(run);
        if (options.json()) {
            out.print(new ObjectMapper().writeValueAsString(figures) + "\n");
        } else {
            StringBuilder table = new StringBuilder();
            figures.forEach((name, value) -> table.append(String.format(Locale.ROOT, "%-44s %s%n", name, value)));
            out.print(table.toString());
        }
        run.streams().stream()
                .map(StoryStream::problem)
                .filter(Objects::nonNull)
                .limit(PROBLEMS_SHOWN)
                .forEach(problem -> err.println("flux: a stream is wrong: " + problem));
    }

    private void show(ScaleSample sample) {
        progress.accept(String.format(
                Locale.ROOT,
                "%.0f s: %d waiting, %d running; workers: %d of %d ready, %d leaving; %d streams open",
                sample.seconds(),
                sample.waiting(),
                sample.running(),
                sample.ready(),
                sample.wanted(),
                sample.leaving(),
                sample.open()));
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
}
