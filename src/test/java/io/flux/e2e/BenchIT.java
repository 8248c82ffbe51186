package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code ./flux bench} in small: real processes, each character and each number checked. What it prints stays in {@code target},
 * as {@code bench.txt} and {@code bench.json}. Its figures are those of a machine that does other things, and nothing is asked of them.
 */
class BenchIT {
    @TempDir
    Path folder;

    @Test
    void everyScenarioEndsWithEveryAnswerExactAndNothingLost() throws IOException, InterruptedException {
        Path table = Path.of("target", "bench.txt");
        Path report = Path.of("target", "bench.json");
        bench(
                table,
                "bare",
                "steady-10x50",
                "throughput-4",
                "herd",
                "idle",
                "cancel",
                "kill",
                "resume",
                "slow",
                "engine",
                "--quick",
                "--save=" + report);
        JsonNode scenarios = new ObjectMapper().readTree(report.toFile()).path("scenarios");
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, JsonNode> scenario : scenarios.properties()) {
            names.add(scenario.getKey());
            assertThat(scenario.getValue().path("answers exact").asInt())
                    .as(scenario.getKey())
                    .isPositive()
                    .isEqualTo(scenario.getValue().path("answers checked").asInt());
        }
        assertThat(names)
                .containsExactly(
                        "bare",
                        "steady-10x50",
                        "throughput-4",
                        "herd",
                        "idle",
                        "cancel",
                        "kill",
                        "resume",
                        "slow",
                        "engine");
        assertThat(scenarios.at("/kill/answers that went on in another worker").asInt())
                .as("a worker was killed in mid-stream")
                .isPositive();
        assertThat(Files.readString(table)).contains("write to receive, p99, ms", "answers exact;");
    }

    /** The shipped ScaledObject, twelve times as fast as in a cluster. */
    @Test
    void aBurstBringsFiveWorkersAndTakesThemAwayWithoutCuttingAnAnswer() throws IOException, InterruptedException {
        Path picture = folder.resolve("run.svg");
        Path figures = folder.resolve("figures.json");
        bench(
                figures,
                "scale",
                "--faster=12",
                "--slots=4",
                "--streams=100",
                "--tokens=30",
                "--json",
                "--picture=" + picture);
        JsonNode run = new ObjectMapper().readTree(figures.toFile());
        assertThat(run.path("streams exact").asInt()).isEqualTo(100);
        assertThat(run.path("workers at most").asInt()).isEqualTo(5);
        assertThat(run.path("workers killed after their grace").asInt()).isZero();
        assertThat(run.path("back at zero workers, s after the burst").isNumber())
                .isTrue();
        assertThat(Files.readString(picture)).startsWith("<svg").contains("told to end, finishing");
    }

    private static void bench(Path output, String... arguments) throws IOException, InterruptedException {
        Files.createDirectories(RunningFlux.HOME);
        Path log = RunningFlux.HOME.resolve("bench-" + arguments[0] + ".log");
        ProcessBuilder builder = new ProcessBuilder(FluxProgram.bench(arguments))
                .redirectOutput(output.toFile())
                .redirectError(log.toFile());
        // The processes under test are to be there soon.
        builder.environment().put("FLUX_JAVA_OPTS", "-XX:TieredStopAtLevel=1");
        Process bench = builder.start();
        try {
            assertThat(bench.waitFor(5, TimeUnit.MINUTES))
                    .as(Files.readString(log))
                    .isTrue();
        } finally {
            bench.destroyForcibly();
        }
        assertThat(bench.exitValue()).as(Files.readString(log)).isZero();
    }
}
