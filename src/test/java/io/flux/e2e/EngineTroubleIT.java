package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Engines break, and nobody is left waiting or told a lie. */
class EngineTroubleIT {
    private static final String DEAD = "flux:{default}:dead";
    private static final int ATTEMPTS = 2;

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("engine-trouble")
                .redis(redis)
                .engine(engine)
                .set("FLUX_ATTEMPTS", ATTEMPTS)
                .set("FLUX_ENGINE_STALL", "1s")
                .set("FLUX_CALLBACK_SECRET", "whsec_c2VjcmV0")
                .set("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
                .set("FLUX_ENGINE_OWN", "what an operator wants engines to know")
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void anEngineThatAlwaysFailsEndsTheJobWithAnErrorAndADeadLetter() {
        try (FluxSocket client = flux.connect()) {
            client.ask("fails", "exit 7\n");
            JsonNode error = client.awaitEnd("fails");
            assertThat(FluxSocket.type(error)).isEqualTo("error");
            assertThat(error.path("code").asText()).isEqualTo("engine_failed");
            assertThat(error.path("error").asText()).contains("7");
            client.assertGapless("fails", 1);
            assertThat(engine.runs("exit 7")).hasSize(ATTEMPTS);
            assertThat(client.events("fails", "restart")).hasSize(ATTEMPTS - 1);
            await().untilAsserted(() -> {
                assertThat(redis.commands().lrange(DEAD, 0, -1)).contains("fails");
                assertThat(redis.commands().zscore("flux:{default}:running", "fails"))
                        .isNull();
            });
            assertServes(client, "after-fails");
        }
    }

    @Test
    void anEngineFindsNoneOfFluxsSecretsInItsEnvironment() {
        try (FluxSocket client = flux.connect()) {
            client.ask("environment", "environment\n");
            client.awaitEnd("environment");
            assertThat(client.text("environment")).isEqualTo("FLUX_ENGINE_OWN FLUX_ENGINE_STALL and no more");
        }
    }

    @Test
    void twoHundredKilobytesOnStderrDoNotHoldUpTheAnswer() {
        try (FluxSocket client = flux.connect()) {
            client.ask("flood", "flood\n");
            assertThat(client.awaitEnd("flood").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("flood")).isEqualTo("still here");
        }
    }

    @Test
    void anEngineThatHangsIsKilledAndTheSlotIsFreeAgain() {
        try (FluxSocket client = flux.connect()) {
            client.ask("hangs", "hang\n");
            JsonNode error = client.awaitEnd("hangs");
            assertThat(error.path("code").asText()).isEqualTo("engine_failed");
            assertThat(engine.runs("hang")).hasSize(ATTEMPTS);
            await().until(() -> engine.runs("hang").stream().noneMatch(FakeEngine.Run::isAlive));
            assertServes(client, "after-hangs");
        }
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsErrorAndIsNotTriedAgain() {
        try (FluxSocket client = flux.connect()) {
            client.ask("long", "long\n");
            JsonNode error = client.awaitEnd("long");
            assertThat(error.path("code").asText()).isEqualTo("prompt_too_long");
            assertThat(error.path("field").asText()).isEqualTo("prompt");
            assertThat(error.path("error").asText()).contains("6002", "508");
            assertThat(engine.runs("long")).hasSize(1);
            assertThat(redis.commands().lrange(DEAD, 0, -1)).doesNotContain("long");
            assertServes(client, "after-long");
        }
    }

    @Test
    void brokenUtf8BecomesReplacementCharacters() {
        try (FluxSocket client = flux.connect()) {
            client.ask("broken", "broken\n");
            assertThat(FluxSocket.type(client.awaitEnd("broken"))).isEqualTo("complete");
            assertThat(client.text("broken")).isEqualTo("a\uFFFDb\uFFFDc");
        }
    }

    @Test
    void anOutputThatWasCutIsContinuedWhereItStopped() {
        String text = "Once upon a time, a lamp was lit.";
        try (FluxSocket client = flux.connect()) {
            client.ask("cut", "cut " + text + "\n");
            JsonNode complete = client.awaitEnd("cut");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
            List<JsonNode> restarts = client.events("cut", "restart");
            assertThat(restarts).hasSize(1);
            assertThat(restarts.get(0).path("mode").asText()).isEqualTo("continue");
            assertThat(restarts.get(0).path("attempt").asInt()).isEqualTo(2);
            assertThat(client.text("cut")).isEqualTo(text);
            client.assertGapless("cut", 1);
        }
    }

    private static void assertServes(FluxSocket client, String id) {
        client.ask(id, "echo good\n");
        assertThat(FluxSocket.type(client.awaitEnd(id))).isEqualTo("complete");
        assertThat(client.text(id)).isEqualTo("good");
    }

    @Test
    void aWorkerWithoutItsEngineSaysWhatItLookedForAndTakesNoJob() {
        Path nowhere = folder.resolve("nowhere");
        try (RunningFlux worker = RunningFlux.named("no-engine")
                .llamaCompletion(nowhere)
                .redis(redis)
                .set("FLUX_MODEL", "nobody")
                .until("Flux gateway ready", "Flux worker is not ready")
                .start()) {
            assertThat(worker.log())
                    .contains("llama-completion not found in FLUX_LLAMA_DIR=" + nowhere)
                    .doesNotContain("Flux worker ready");
            assertThat(worker.get("/health").statusCode()).isEqualTo(503);
            assertThat(worker.get("/health").body()).contains("llama-completion not found", nowhere.toString());
            assertThat(worker.get("/health/live").statusCode())
                    .as("a restart would not help")
                    .isEqualTo(200);

            try (FluxSocket client = worker.connect()) {
                client.ask("waits", "echo never\n");
                client.await("waits", "ticket");
                assertThat(worker.get("/queue/status").body()).contains("\"queue_length\":1", "\"running\":0");
                client.cancel("waits");
                assertThat(client.awaitEnd("waits").path("finish_reason").asText())
                        .isEqualTo("cancelled");
            }
        }
    }

    @Test
    void anEngineThatFluxDoesNotHaveEndsTheStartWithItsName() {
        String log = RunningFlux.named("unknown-engine")
                .redis(redis)
                .set("FLUX_ENGINE", "abacus")
                .failToStart();
        assertThat(log).contains("FLUX_ENGINE", "abacus").doesNotContain("\tat ");
    }

    @Test
    void aModelsFileThatIsWrongEndsTheStartWithEachLineThatIs() throws IOException {
        Path file = Files.writeString(
                folder.resolve("wrong-models.yaml"),
                "models:\n  - name: a\n    slots: 0\n  - name: b\n    engine: abacus\n");
        String log = RunningFlux.named("wrong-models")
                .redis(redis)
                .set("FLUX_MODELS", file)
                .failToStart();
        assertThat(log)
                .contains(
                        file + " line 3: models[0].slots must be between 1 and 10000, not 0",
                        file + " line 5: models[1].engine names abacus")
                .doesNotContain("\tat ");
    }
}
