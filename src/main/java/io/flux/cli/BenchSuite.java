package io.flux.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.Finding;
import io.flux.bench.Report;
import io.flux.bench.Scenario;
import io.flux.bench.Stage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** {@code flux bench}: one scenario after the other. */
final class BenchSuite implements BenchCommand {
    private static final int PROBLEMS_SHOWN = 5;

    private final BenchOptions options;
    private final Printer out;
    private final PrintStream err;
    private final Progress progress;

    BenchSuite(BenchOptions options, Printer out, PrintStream err, Progress progress) {
        this.options = options;
        this.out = out;
        this.err = err;
        this.progress = progress;
    }

    @Override
    public boolean run(Path folder) throws IOException, InterruptedException {
        Report report = new Report();
        ReportTable table = new ReportTable(options.before());
        for (Scenario scenario : options.scenarios()) {
            Stage stage = new Stage(folder, options.quick(), what -> progress.accept(scenario.name() + ": " + what));
            for (Finding finding : scenario.run(stage)) {
                progress.over();
                report.add(finding);
                finding.problems().stream()
                        .limit(PROBLEMS_SHOWN)
                        .forEach(problem -> err.println("flux: " + finding.scenario() + ": " + problem));
                if (!options.json()) {
                    out.print(table.of(finding));
                }
            }
        }
        if (options.json()) {
            out.print(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(report.data()) + "\n");
        } else {
            out.print(table.end(report));
        }
        if (options.save() != null) {
            new ObjectMapper()
                    .writerWithDefaultPrettyPrinter()
                    .writeValue(options.save().toFile(), report.data());
        }
        return report.isWhole();
    }
}
