package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.bench.Finding;
import io.flux.bench.Measure;
import io.flux.bench.Report;
import io.flux.bench.Scenario;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line of {@code flux bench}, and its table. What it measures is for {@code BenchIT}. */
class BenchTest {
    private static final Finding FINDING = new Finding(
            "steady-1x30",
            "one",
            List.of(
                    new Measure("tokens a second", 29.97),
                    new Measure("late, ms", 0.5, new Measure.Budget(0.6, true)),
                    new Measure("held", 9000, new Measure.Budget(10_000, false))),
            3,
            List.of("it did not end"));

    @TempDir
    Path folder;

    @Test
    void aNameStandsForAllScenariosThatBeginSo() throws Misuse {
        assertThat(BenchOptions.parse(List.of("steady", "kill", "--quick")).scenarios())
                .extracting(Scenario::name)
                .containsExactly("steady-1x30", "steady-10x50", "steady-50x30", "kill");
        assertThat(BenchOptions.parse(List.of()).scenarios()).hasSizeGreaterThan(10);
    }

    @Test
    void whatIsNotThereIsNamed() {
        assertThatThrownBy(() -> BenchOptions.parse(List.of("stead")))
                .hasMessageContaining("there is no scenario 'stead', but there are scale, bare, start, steady-1x30");
        assertThatThrownBy(() -> BenchOptions.parse(List.of("--compare", folder + "/none")))
                .hasMessageContaining("--compare: ")
                .hasMessageContaining("cannot be read");
        assertThatThrownBy(() -> BenchOptions.parse(List.of("--save", folder + "/none/a.json")))
                .hasMessageContaining("--save: there is no folder ");
    }

    @Test
    void aReportOfSomethingElseIsNotComparedWith() throws IOException {
        Path other = Files.writeString(folder.resolve("other.json"), "{}");
        assertThatThrownBy(() -> BenchOptions.parse(List.of("--compare=" + other)))
                .hasMessageContaining("is no report of flux bench");
    }

    @Test
    void theTableMarksBudgetsThatAreMissedAndShowsWhatWasBefore() {
        Report before = new Report();
        before.add(new Finding("steady-1x30", "one", List.of(new Measure("late, ms", 0.4)), 0, List.of()));
        String table = new ReportTable(new ObjectMapper().valueToTree(before.data())).of(FINDING);
        assertThat(table).contains("2 of 3");
        assertThat(table).containsPattern("late, ms +0\\.50 {2}≤ 0\\.60 +was 0\\.40 \\(\\+25 %\\)");
        assertThat(table).containsPattern("held +9,000 !≥ 10,000");
        Report report = new Report();
        report.add(FINDING);
        assertThat(new ReportTable(null).end(report)).contains("2 of 3 answers exact; budgets missed: 1");
    }

    @Test
    void helpSaysWhatThereIs() throws InterruptedException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream problems = new PrintStream(err, true, StandardCharsets.UTF_8);
        assertThat(new Bench(out, problems, false, folder).run(List.of("--help")))
                .isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("steady-50x30", "--compare FILE", "bench scale");
        assertThat(new Bench(out, problems, false, folder).run(List.of("--quik")))
                .isEqualTo(ExitCode.MISUSED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("--quik");
    }
}
