package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.redis.RedisCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Flux promises, with two gateways, workers and a Redis of several servers, with TLS and passwords, whose masters are
 * killed. Subclasses say which Redis.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class DistributedRedis {
    private static final int STREAMS = 4;
    private static final int WORDS = 250;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private TestCertificate certificate;
    private Path password;
    private FakeEngine engine;
    private RunningFlux gateway;
    private RunningFlux other;
    private RunningFlux worker;

    /** Starts the servers. */
    abstract void startRedis(Path folder, TestCertificate certificate);

    abstract void stopRedis();

    abstract String name();

    /** Where Redis is, and what else lets Flux in. */
    abstract Map<String, String> access();

    /** Kills the master that has a job, and waits until a replica has taken its place. */
    abstract void failOver(String id);

    abstract boolean isDone(String id);

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        certificate = TestCertificate.make(folder, "redis");
        startRedis(folder.resolve("redis"), certificate);
        password = Files.writeString(folder.resolve("password"), RedisCluster.password() + "\n");
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = flux("gateway").gateway().launch();
        other = flux("gateway-2").gateway().launch();
        worker = worker(1);
        gateway.awaitReady();
        other.awaitReady();
    }

    private RunningFlux.Setup flux(String process) {
        RunningFlux.Setup setup = RunningFlux.named(name() + "-" + process)
                .impatient()
                .set("FLUX_GRACE", "30s")
                .set("FLUX_ID", name() + "-" + process)
                .set("FLUX_REDIS_CA", certificate.certificate())
                .set("FLUX_REDIS_USER", RedisCluster.user())
                .set("FLUX_REDIS_PASSWORD_FILE", password)
                .set("FLUX_REDIS_REPLICAS", 1);
        access().forEach(setup::set);
        return setup;
    }

    private RunningFlux worker(int number) {
        return flux("worker-" + number)
                .worker()
                .engine(engine)
                .set("FLUX_SLOTS", STREAMS + 1)
                .start();
    }

    @AfterAll
    void stop() {
        RunningFlux.closeAll(worker, other, gateway);
        stopRedis();
    }

    @Test
    @Order(1)
    void severalStreamsAreExact() {
        try (FluxSocket client = gateway.connect()) {
            for (int i = 0; i < STREAMS; i++) {
                client.ask("exact-" + i, "bytes " + i + " é 漢 🦊");
            }
            for (int i = 0; i < STREAMS; i++) {
                assertAnswer(client, "exact-" + i, i + " é 漢 🦊");
            }
        }
    }

    @Test
    @Order(2)
    void aRunningJobAndAWaitingOneAreCancelledAndTheWaitingOnesHearTheirPositions() {
        try (FluxSocket client = gateway.connect()) {
            for (int i = 0; i <= STREAMS; i++) {
                client.askAndStart("full-" + i, "gate full");
            }
            for (int i = 1; i <= 2; i++) {
                client.ask("waits-" + i, "echo " + i);
                assertThat(client.await("waits-" + i, "ticket").path("position").asInt())
                        .isEqualTo(i);
            }
            client.cancel("waits-1");
            assertThat(client.awaitEnd("waits-1").path("finish_reason").asText())
                    .isEqualTo("cancelled");
            assertThat(client.await("waits-2", "position").path("position").asInt())
                    .isEqualTo(1);
            client.cancel("full-0");
            assertThat(client.awaitEnd("full-0").path("finish_reason").asText()).isEqualTo("cancelled");
            assertAnswer(client, "waits-2", "2");
            engine.open("full");
            for (int i = 1; i <= STREAMS; i++) {
                assertAnswer(client, "full-" + i, "AB");
            }
        }
    }

    @Test
    @Order(3)
    void aStreamIsResumedAtAnotherGateway() {
        try (FluxSocket first = gateway.connect()) {
            first.ask("resumed", "gate resumed");
            first.await("resumed", "token");
        }
        try (FluxSocket second = other.connect()) {
            second.resume("resumed", 2);
            second.await("resumed", "ticket");
            engine.open("resumed");
            second.awaitEnd("resumed");
            assertThat(second.text("resumed")).isEqualTo("B");
            second.assertGapless("resumed", 3);
        }
    }

    @Test
    @Order(4)
    void aJobWithoutAttemptsIsADeadLetter() {
        try (FluxSocket client = gateway.connect()) {
            client.ask("dies", "exit 7");
            assertThat(client.awaitEnd("dies").path("code").asText()).isEqualTo("engine_failed");
            await().until(() -> other.get("/queue/dead").body().contains("\"dies\""));
            assertThat(gateway.get("/queue/status").statusCode()).isEqualTo(200);
        }
    }

    @Test
    @Order(5)
    void theJobsOfAWorkerThatIsKilledGoOn() {
        try (FluxSocket client = gateway.connect()) {
            client.ask("killed", "story 40\n");
            client.await("killed", "token");
            worker.kill9();
            worker = worker(2);
            assertAnswer(client, "killed", FakeEngine.story(40));
            assertThat(client.events("killed", "restart")).hasSize(1);
        }
    }

    /** After all that need every server. */
    @Test
    @Order(6)
    void whenAMasterIsKilledNoTokenIsLostOrRepeatedAndWhatWasAcceptedIsAnswered() {
        List<FluxEvents> followers = new ArrayList<>();
        try (FluxSocket client = gateway.connect()) {
            for (int i = 0; i < STREAMS; i++) {
                client.ask("stream-" + i, "story " + WORDS + "\n", "\"max_tokens\":4096");
                client.await("stream-" + i, "token");
                followers.add(FluxEvents.of(other, "stream-" + i));
            }
            client.ask("gated", "gate gated");
            client.await("gated", "token");
            client.ask("waiting", "echo waiting");
            client.await("waiting", "ticket");
            failOver("stream-0");
            // What is asked during a failover is refused, and may be repeated; what is answered with a ticket stands.
            await().atMost(PATIENCE).until(() -> {
                int before = client.events().size();
                client.ask("during", "echo during");
                await().atMost(PATIENCE).until(() -> client.events().stream()
                        .skip(before)
                        .anyMatch(event -> event.path("request_id").asText().equals("during")));
                return !client.events("during", "ticket").isEmpty();
            });
            engine.open("gated");
            for (int i = 0; i < STREAMS; i++) {
                assertAnswer(client, "stream-" + i, FakeEngine.story(WORDS));
                assertThat(client.events("stream-" + i, "restart"))
                        .as("nobody had died but Redis")
                        .isEmpty();
                followers.get(i).awaitEnd("stream-" + i);
                followers.get(i).assertSawAllThat(client, "stream-" + i);
            }
            assertAnswer(client, "gated", "AB");
            assertAnswer(client, "waiting", "waiting");
            assertAnswer(client, "during", "during");
            await().until(() -> isDone("stream-0"));
            client.ask("after", "echo after");
            assertAnswer(client, "after", "after");
            assertThat(gateway.get("/health").statusCode()).isEqualTo(200);
            assertThat(gateway.log() + worker.log()).doesNotContain("NOPERM").doesNotContain(RedisCluster.password());
        } finally {
            followers.forEach(FluxEvents::close);
        }
    }

    RunningFlux gateway() {
        return gateway;
    }

    FakeEngine engine() {
        return engine;
    }

    static void assertAnswer(FluxSocket client, String id, String text) {
        JsonNode end = client.awaitEnd(id);
        assertThat(end.path("finish_reason").asText()).as("%s", end).isEqualTo("stop");
        assertThat(client.text(id)).isEqualTo(text);
        client.assertGapless(id, 1);
    }
}
