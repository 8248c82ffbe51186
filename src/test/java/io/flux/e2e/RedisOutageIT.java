package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.embedded.EmbeddedRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Redis is stopped, killed and cut off while jobs wait and run. A network that the test can break stands between it and
 * Flux; the test has its own way in.
 */
class RedisOutageIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LEASE = Duration.ofSeconds(1);

    @TempDir
    static Path folder;

    private static EmbeddedRedis server;
    private static TcpProxy network;
    private static RedisClient redis;
    private static FakeEngine engine;
    private static RunningFlux gateway;
    private static RunningFlux worker;

    @BeforeAll
    static void start() {
        server = new EmbeddedRedis(folder.resolve("redis"));
        server.start();
        network = new TcpProxy(server.uri().getPort());
        redis = RedisClient.create(RedisURI.create(server.uri()));
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = flux("outage-gateway").gateway().launch();
        worker = flux("outage-worker")
                .worker()
                .engine(engine)
                .set("FLUX_SLOTS", 2)
                .launch();
        gateway.awaitReady();
        worker.awaitReady();
    }

    private static RunningFlux.Setup flux(String name) {
        return RunningFlux.named(name)
                .impatient()
                .set("FLUX_GRACE", LEASE.toSeconds() + "s") // as short as the lease: an outage is longer than both
                .set("FLUX_GRACE_RENEWAL", "250ms")
                .set("SPRING_DATA_REDIS_TIMEOUT", "2s") // how long /health needs to say that Redis is away
                .set("FLUX_REDIS_URL", "redis://" + server.uri().getUserInfo() + "@127.0.0.1:" + network.port());
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(worker, gateway);
        redis.shutdown();
        network.close();
        server.stop();
    }

    @Test
    void aRedisThatIsStoppedAndStartedLosesNothing() {
        survive("stopped", () -> {
            server.stop();
            awaitNoticed();
            server.start();
        });
    }

    @Test
    void aRedisThatIsKilledAndStartedLosesNothing() {
        survive("killed", () -> {
            ProcessHandle process = serverProcess();
            process.destroyForcibly();
            process.onExit().join();
            awaitNoticed();
            server.stop();
            server.start();
        });
    }

    @Test
    void aConnectionThatIsCutForLongerThanALeaseCostsNothing() {
        survive("cut", () -> {
            network.cut();
            long cutAt = serverTime();
            awaitNoticed();
            await().until(() -> serverTime() > cutAt + LEASE.toMillis() * 2);
            network.restore();
        });
    }

    @Test
    void whatIsWrittenWhileTheGatewayIsCutOffComesWhenItIsBackTheEndIncluded() {
        // The worker has a way of its own, and goes on.
        try (RunningFlux reached = flux("outage-reached")
                        .worker()
                        .engine(engine)
                        .set("FLUX_REDIS_URL", server.uri())
                        .set("FLUX_MODEL", "reached")
                        .launch();
                RunningFlux cutOff = flux("outage-cut-off")
                        .gateway()
                        .set("FLUX_MODEL", "reached")
                        .set("FLUX_GRACE", "60s")
                        .launch();
                FluxSocket client = cutOff.awaitReady().connect()) {
            reached.awaitReady();
            client.ask("missed", "gate missed\n");
            client.await("missed", "token");
            FluxEvents follower = FluxEvents.of(cutOff, "missed");
            follower.await("missed", "token");
            network.cut();
            await().atMost(PATIENCE).until(() -> cutOff.get("/health").statusCode() == 503);
            engine.open("missed");
            await().atMost(PATIENCE).until(() -> "done".equals(hget("missed", "state")));
            assertThat(client.text("missed")).isEqualTo("A");
            network.restore();
            JsonNode complete = client.awaitEnd("missed");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("missed")).isEqualTo("AB");
            client.assertGapless("missed", 1);
            follower.awaitEnd("missed");
            follower.assertSawAllThat(client, "missed");
            follower.close();
            assertThat(reached.isAlive()).isTrue();
        } finally {
            await().atMost(PATIENCE).until(() -> gateway.get("/health").statusCode() == 200);
        }
    }

    /** Two jobs run and one waits; then the outage; then all three end as if nothing had been. */
    private static void survive(String name, Runnable outage) {
        String first = name + "-1";
        String second = name + "-2";
        String waits = name + "-3";
        List<FluxEvents> followers = new ArrayList<>();
        try (FluxSocket client = gateway.connect()) {
            client.ask(first, "gate " + first + "\n");
            client.await(first, "token");
            client.ask(second, "story 150\n"); // writes all the while
            client.await(second, "token");
            client.ask(waits, "echo " + waits + "\n");
            client.await(waits, "ticket");
            for (String id : List.of(first, second, waits)) {
                followers.add(FluxEvents.of(gateway, id));
            }
            for (FluxEvents follower : followers) {
                follower.awaitNext(0);
            }
            outage.run();
            engine.open(first);
            for (String id : new String[] {first, second, waits}) {
                assertThat(client.awaitEnd(id).path("finish_reason").asText())
                        .as(id)
                        .isEqualTo("stop");
                client.assertGapless(id, 1);
                assertThat(client.events(id, "restart"))
                        .as("%s: nobody had died", id)
                        .isEmpty();
            }
            assertThat(client.text(first)).isEqualTo("AB");
            assertThat(client.text(second)).isEqualTo(FakeEngine.story(150));
            assertThat(client.text(waits)).isEqualTo(waits);
            assertThat(client.isClosed()).isFalse();
            for (int i = 0; i < followers.size(); i++) {
                String id = List.of(first, second, waits).get(i);
                followers.get(i).awaitEnd(id);
                followers.get(i).assertSawAllThat(client, id);
                assertThat(followers.get(i).connections())
                        .as("%s was not interrupted", id)
                        .isEqualTo(1);
            }
        } finally {
            followers.forEach(FluxEvents::close);
        }
    }

    private static void awaitNoticed() {
        await().atMost(PATIENCE)
                .until(() -> gateway.get("/health").statusCode() == 503
                        && worker.get("/health").statusCode() == 503);
        // Whoever restarts processes that do not live leaves these alone: a restart brings no Redis back.
        assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
        assertThat(worker.get("/health/live").statusCode()).isEqualTo(200);
    }

    private static long serverTime() {
        try (StatefulRedisConnection<String, String> connection = redis.connect()) {
            List<String> time = connection.sync().time();
            return Long.parseLong(time.get(0)) * 1000 + Long.parseLong(time.get(1)) / 1000;
        }
    }

    private static String hget(String id, String field) {
        try (StatefulRedisConnection<String, String> connection = redis.connect()) {
            return connection.sync().hget("flux:{" + id + "}:job", field);
        }
    }

    private static ProcessHandle serverProcess() {
        try (var files = Files.walk(folder.resolve("redis"))) {
            Path pid = files.filter(file -> file.getFileName().toString().endsWith("redis.pid"))
                    .findFirst()
                    .orElseThrow();
            return ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
