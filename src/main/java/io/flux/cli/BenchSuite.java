package io.flux.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.Finding;
import io.flux.bench.Report;
import io.flux.bench.Scenario;
import io.flux.bench.Stage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;

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
            Finding finding = finding(scenario, folder);
            progress.over();
            report.add(finding);
            finding.problems().stream()
                    .limit(PROBLEMS_SHOWN)
                    .forEach(problem -> err.println("flux: " + finding.scenario() + ": " + problem));
            if (!options.json()) {
                out.print(table.of(finding));
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

    /** One that could not be brought to its end is a finding too, and the others are still to come. */
    private Finding finding(Scenario scenario, Path folder) throws InterruptedException {
        Stage stage = new Stage(folder, options.quick(), what -> progress.accept(scenario.name() + ": " + what));
        try {
            return scenario.run(stage);
        } catch (IOException e) {
            return new Finding(scenario.name(), scenario.about(), List.of(), 1, List.of(e.getMessage()));
        }
    }
}
