package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shipped ScaledObject, played with real processes, twelve times as fast as in a cluster. */
class ScalingIT {
    @TempDir
    Path folder;

    @Test
    void aBurstBringsFiveWorkersAndTakesThemAwayWithoutCuttingAnAnswer() throws IOException, InterruptedException {
        Path picture = folder.resolve("run.svg");
        Path figures = folder.resolve("figures.json");
        Path log = RunningFlux.HOME.resolve("scaling.log");
        Files.createDirectories(RunningFlux.HOME);
        Process bench = new ProcessBuilder(FluxProgram.bench(
                        "scale",
                        "--faster=12",
                        "--slots=4",
                        "--streams=100",
                        "--tokens=30",
                        "--json",
                        "--picture=" + picture))
                .redirectOutput(figures.toFile())
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(bench.waitFor(5, TimeUnit.MINUTES)).isTrue();
        } finally {
            bench.destroyForcibly();
        }
        assertThat(bench.exitValue()).as(Files.readString(log)).isZero();
        JsonNode run = new ObjectMapper().readTree(figures.toFile());
        assertThat(run.path("streams exact").asInt()).isEqualTo(100);
        assertThat(run.path("workers at most").asInt()).isEqualTo(5);
        assertThat(run.path("workers killed after their grace").asInt()).isZero();
        assertThat(run.path("back at zero workers, s after the burst").isNumber())
                .isTrue();
        assertThat(Files.readString(picture)).startsWith("<svg").contains("told to end, finishing");
    }
}
