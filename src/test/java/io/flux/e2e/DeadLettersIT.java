package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.cli.Dead;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs die, and whoever operates Flux sees why and brings them back, with the command that they would type. */
class DeadLettersIT {
    private static final int ATTEMPTS = 2;
    private static final String WHAT_THE_ENGINE_SAID = "the engine broke on purpose";

    @TempDir
    static Path folder;

    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("dead-letters")
                .redis(TestRedis.empty())
                .engine(engine)
                .set("FLUX_ATTEMPTS", ATTEMPTS)
                .set("FLUX_BACKOFF", "10ms")
                .set("FLUX_REAP", "100ms")
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @BeforeEach
    void dropAll() throws Exception {
        assertThat(dead("drop", "--all").code()).isZero();
    }

    /** What the command left behind. */
    private record Result(int code, String out, String err) {}

    /** {@code ./flux dead …} in a process of its own, as a user runs it. */
    private static Result dead(String... arguments) throws IOException, InterruptedException {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Dead.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("FLUX_URL", flux.http("/").toString());
        Process process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("flux dead " + List.of(arguments) + " does not end");
        }
        return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    /** Asks for what the engine cannot do, until Flux gives up. */
    private static void die(FluxSocket client, String id, String prompt) {
        client.ask(id, prompt);
        JsonNode error = client.awaitEnd(id);
        assertThat(FluxSocket.type(error)).isEqualTo("error");
        assertThat(error.path("code").asText()).isEqualTo("engine_failed");
        assertThat(engine.runs(prompt)).hasSize(ATTEMPTS);
        // The client is told before the job is put on the list.
        await().untilAsserted(() -> assertThat(flux.get("/queue/dead").body()).contains("\"" + id + "\""));
    }

    @Test
    void aJobThatDiedIsListedAndShownWithWhatItsEngineSaid() throws Exception {
        try (FluxSocket client = flux.connect()) {
            die(client, "older", "exit 8\n");
            die(client, "broken", "exit 7\n");
        }

        Result list = dead("list");

        assertThat(list.code()).isZero();
        List<String> lines = list.out().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(lines.get(1))
                .matches("broken +default +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d +2 +7 +the engine .*7.*");
        assertThat(lines.get(2)).startsWith("older ");

        Result show = dead("show", "broken");

        assertThat(show.code()).isZero();
        assertThat(show.out())
                .startsWith("broken\n")
                .containsPattern("code +engine_failed\n")
                .containsPattern("attempts +2\n")
                .containsPattern("exit code +7\n")
                .contains("\nprompt\n    exit 7\n")
                .contains("\nstderr\n    " + WHAT_THE_ENGINE_SAID + "\n");
        JsonNode json =
                new ObjectMapper().readTree(dead("show", "broken", "--json").out());
        assertThat(json.path("failure").path("exit_code").asInt()).isEqualTo(7);
    }

    @Test
    void aReplayIsANewJobWhoseAnswerCanBeReadByItsId() throws Exception {
        try (FluxSocket client = flux.connect()) {
            die(client, "poem", "mend pump Salt and foam\n");
            engine.open("pump");

            Result replay = dead("replay", "poem");

            assertThat(replay.code()).isZero();
            assertThat(replay.out()).isEqualTo("poem is in the queue again as poem.replay\n");
            client.resume("poem.replay", 0);
            assertThat(client.awaitEnd("poem.replay").path("finish_reason").asText())
                    .isEqualTo("stop");
            assertThat(client.text("poem.replay")).isEqualTo("Salt and foam");
            client.assertGapless("poem.replay", 1);
        }

        Result list = dead("list");
        assertThat(list.code()).isZero();
        assertThat(list.out()).isEmpty();
        assertThat(list.err()).startsWith("flux: there are no dead letters at http://");
    }

    @Test
    void aDropForgetsTheJobAndItsIdIsFree() throws Exception {
        try (FluxSocket client = flux.connect()) {
            die(client, "again", "exit 6\n");

            assertThat(dead("drop", "again").out()).isEqualTo("again is deleted\n");

            Result gone = dead("show", "again");
            assertThat(gone.code()).isEqualTo(1);
            assertThat(gone.err()).isEqualTo("flux: not_found: there is no dead letter again\n");
            assertThat(flux.get("/queue/dead").body()).isEqualTo("[]");
        }
        try (FluxSocket client = flux.connect()) {
            client.ask("again", "echo good\n");
            assertThat(FluxSocket.type(client.awaitEnd("again"))).isEqualTo("complete");
            assertThat(client.text("again")).isEqualTo("good");
            client.assertGapless("again", 1);
        }
    }
}
