package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One slot and a queue of three: what those who wait are told, and when their time is over. */
class WaitingIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int LIMIT = 3;

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("waiting")
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_QUEUE_LIMIT", LIMIT)
                .set("FLUX_RETENTION", "2s")
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @BeforeEach
    void nothingIsMeasured() {
        redis.commands().del("flux:{default}:pace");
    }

    /** One after the other: messages of one client are handled side by side. */
    private static JsonNode queue(FluxSocket client, String id, String prompt) {
        client.ask(id, prompt);
        return client.await(id, "ticket");
    }

    @Test
    void aJobWhoseTimeIsOverInTheQueueEndsWithoutAnEngine() {
        try (FluxSocket client = flux.connect()) {
            client.ask("holds", "gate queued\n");
            client.await("holds", "token");
            client.ask("late", "echo never\n", "\"timeout_ms\":1500");
            client.await("late", "ticket");
            assertThat(queue(client, "behind", "echo behind\n").path("position").asInt())
                    .isEqualTo(2);
            JsonNode complete = client.awaitEnd("late");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("deadline");
            assertThat(complete.path("seq").asInt()).isEqualTo(1);
            assertThat(complete.path("token_count").asInt()).isZero();
            assertThat(client.await("behind", "position").path("position").asInt())
                    .isEqualTo(1);
            assertThat(engine.runs("echo never")).isEmpty();
            engine.open("queued");
            client.awaitEnd("behind");
        }
    }

    @Test
    void aJobWhoseTimeIsOverWhileItRunsIsStoppedAndItsTextStaysValid() {
        try (FluxSocket client = flux.connect()) {
            client.ask("cut-short", "gate never-1\n", "\"timeout_ms\":3000");
            JsonNode complete = client.awaitEnd("cut-short");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("deadline");
            assertThat(client.text("cut-short")).isEqualTo("A");
            client.assertGapless("cut-short", 1);
            await().atMost(PATIENCE)
                    .until(() -> engine.runs("gate never-1").stream().noneMatch(FakeEngine.Run::isAlive));
            client.ask("next", "echo next\n");
            client.awaitEnd("next");
            assertThat(client.text("next")).isEqualTo("next");
        }
    }

    @Test
    void theEtaIsLeftOutUntilTheQueuesPaceIsMeasuredAndFollowsItThen() {
        try (FluxSocket client = flux.connect()) {
            client.ask("one", "gate one\n");
            client.await("one", "token");
            assertThat(queue(client, "two", "gate two\n").has("eta_ms")).isFalse();
            assertThat(queue(client, "three", "gate three\n").has("eta_ms")).isFalse();
            engine.open("one");
            client.await("two", "token");
            engine.open("two"); // the second end while somebody waits: now the pace is known
            client.await("three", "token");
            queue(client, "four", "gate four\n");
            queue(client, "five", "gate five\n");
            JsonNode six = queue(client, "six", "gate six\n");
            long pace =
                    Math.round(Math.floor(Double.parseDouble(redis.commands().hget("flux:{default}:pace", "mean_ms"))));
            assertThat(six.path("eta_ms").asLong()).isEqualTo(3 * pace);
            client.cancel("four");
            JsonNode moved = client.await("six", "position");
            assertThat(moved.path("position").asInt()).isEqualTo(2);
            assertThat(moved.path("eta_ms").asLong()).isEqualTo(2 * pace);

            queue(client, "seven", "echo seven\n");
            client.ask("eight", "echo eight\n");
            JsonNode refused = client.await("eight", "error");
            assertThat(refused.path("code").asText()).isEqualTo("overloaded");
            assertThat(refused.path("retry_after_ms").asLong()).isEqualTo(pace);
            for (String gate : new String[] {"three", "five", "six"}) {
                engine.open(gate);
            }
            client.awaitEnd("seven");
        }
    }

    @Test
    void overloadIsRefusedAndWhatWasRefusedLeavesNothingAndMayComeAgain() {
        try (FluxSocket client = flux.connect()) {
            client.ask("fills", "gate fills\n");
            client.await("fills", "token");
            for (int i = 1; i <= LIMIT; i++) {
                queue(client, "wait-" + i, "echo waited\n");
            }
            client.ask("refused", "echo refused\n");
            JsonNode refused = client.await("refused", "error");
            assertThat(refused.path("code").asText()).isEqualTo("overloaded");
            assertThat(refused.has("retry_after_ms"))
                    .as("not measured, not guessed")
                    .isFalse();
            assertThat(redis.commands().keys("flux:{refused}*")).isEmpty();
            engine.open("fills");
            client.awaitEnd("wait-" + LIMIT);
            client.ask("refused", "echo refused\n");
            client.awaitEnd("refused");
            assertThat(client.text("refused")).isEqualTo("refused");
        }
    }

    @Test
    void afterTheRetentionTimeRedisHoldsNothingOfAFinishedJob() {
        try (FluxSocket client = flux.connect()) {
            client.ask("forgotten", "echo forgotten\n");
            client.awaitEnd("forgotten");
            client.ask("forgotten-2", "echo x\n", "\"timeout_ms\":60000,\"on_disconnect\":\"cancel\"");
            client.awaitEnd("forgotten-2");
            await().atMost(PATIENCE)
                    .until(() -> redis.commands().keys("flux:{forgotten*").isEmpty());
            await().atMost(PATIENCE).until(() -> redis.commands().keys("flux:*").stream()
                    .allMatch(key -> key.startsWith("flux:{models}:")
                            || key.equals("flux:{default}:reaper")
                            || key.equals("flux:{default}:pace")));
            client.resume("forgotten", 0);
            assertThat(client.await("forgotten", "error").path("code").asText()).isEqualTo("not_found");
        }
    }
}
