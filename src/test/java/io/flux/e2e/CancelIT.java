package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One slot, so that what runs and what waits is certain. */
class CancelIT {
    @TempDir
    static Path folder;

    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("cancel")
                .redis(TestRedis.empty())
                .engine(engine)
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void cancellingARunningJobEndsItAndItsEngine() {
        try (FluxSocket client = flux.connect()) {
            client.ask("running", "gate never-1");
            client.await("running", "token");
            client.cancel("running");
            JsonNode complete = client.awaitEnd("running");
            assertThat(FluxSocket.type(complete)).isEqualTo("complete");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("cancelled");
            assertThat(client.text("running")).isEqualTo("A");
            client.assertGapless("running", 1);
            await().until(() -> engine.runs("gate never-1").stream().noneMatch(FakeEngine.Run::isAlive));

            client.ask("next", "echo free again");
            client.awaitEnd("next");
            assertThat(client.text("next")).isEqualTo("free again");
        }
    }

    @Test
    void cancellingAQueuedJobEndsItAtOnceAndDisturbsNobody() {
        try (FluxSocket client = flux.connect()) {
            client.ask("runs", "gate queued");
            client.await("runs", "token");
            client.ask("queued", "echo never");
            assertThat(client.await("queued", "ticket").path("position").asLong())
                    .isEqualTo(1);
            client.cancel("queued");
            JsonNode complete = client.awaitEnd("queued");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("cancelled");
            assertThat(complete.path("seq").asLong()).isEqualTo(1);
            assertThat(flux.get("/queue/status").body()).contains("\"queue_length\":0", "\"running\":1");

            engine.open("queued");
            assertThat(client.awaitEnd("runs").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("runs")).isEqualTo("AB");
            assertThat(engine.runs("echo never")).isEmpty();
        }
    }

    @Test
    void whoeverWaitsIsToldWhenTheQueueMoves() {
        try (FluxSocket client = flux.connect()) {
            client.ask("first", "gate moves");
            client.await("first", "token");
            client.ask("second", "echo second");
            client.await("second", "ticket");
            client.ask("third", "echo third");
            assertThat(client.await("third", "ticket").path("position").asLong())
                    .isEqualTo(2);
            client.cancel("second");
            assertThat(client.await("third", "position").path("position").asLong())
                    .isEqualTo(1);
            engine.open("moves");
            client.awaitEnd("third");
            assertThat(client.text("third")).isEqualTo("third");
            assertThat(client.events("third", "position")).hasSize(1);
            assertThat(client.events("first", "position")).isEmpty();
        }
    }

    @Test
    void cancellingTwiceEndsTheJobOnce() {
        try (FluxSocket client = flux.connect();
                FluxSocket other = flux.connect()) {
            client.ask("twice", "gate never-4");
            client.await("twice", "token");
            client.cancel("twice");
            other.cancel("twice");
            assertThat(client.awaitEnd("twice").path("finish_reason").asText()).isEqualTo("cancelled");
            client.ask("after-twice", "echo after");
            client.awaitEnd("after-twice");
            assertThat(client.events("twice", "complete")).hasSize(1);
            // Whichever came second: it changed nothing, or it was too late.
            assertThat(client.events("twice", "error"))
                    .allSatisfy(error -> assertThat(error.path("code").asText()).isEqualTo("already_finished"));
        }
    }

    @Test
    void anotherSocketMayCancel() {
        try (FluxSocket owner = flux.connect();
                FluxSocket other = flux.connect()) {
            owner.ask("owned", "gate never-2");
            owner.await("owned", "token");
            other.cancel("owned");
            assertThat(owner.awaitEnd("owned").path("finish_reason").asText()).isEqualTo("cancelled");
        }
    }

    @Test
    void cancellingWhatIsUnknownIsAnsweredByNotFound() {
        try (FluxSocket client = flux.connect()) {
            client.cancel("nobody-knows-me");
            JsonNode error = client.await("nobody-knows-me", "error");
            assertThat(error.path("code").asText()).isEqualTo("not_found");
            assertThat(error.path("field").asText()).isEqualTo("request_id");
            assertThat(error.has("seq")).isFalse();
        }
    }

    @Test
    void cancellingAfterTheEndIsAnsweredByAlreadyFinished() {
        try (FluxSocket client = flux.connect()) {
            client.ask("over", "gate never-3");
            client.await("over", "token");
            client.cancel("over");
            client.awaitEnd("over");
            client.cancel("over");
            JsonNode error = client.await("over", "error");
            assertThat(error.path("code").asText()).isEqualTo("already_finished");
            assertThat(error.has("seq")).isFalse();
            assertThat(client.events("over", "complete")).hasSize(1);
        }
    }
}
