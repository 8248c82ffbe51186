package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A gateway, a worker and a Redis, each with a wall clock of its own, which is wrong from the start and is set again while
 * answers are written. The leases are so short that a periodic task that stops for two seconds loses jobs.
 */
class SteppedClockIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int HOUR = 3600;
    private static final int JOBS = 4;
    private static final int WORDS = 240;
    private static final String STORY = FakeEngine.story(WORDS);

    @TempDir
    static Path folder;

    private static SteppedClock redisClock;
    private static SteppedClock gatewayClock;
    private static SteppedClock workerClock;
    private static OwnRedis redis;
    private static RunningFlux gateway;
    private static RunningFlux worker;

    @BeforeAll
    static void start() throws IOException {
        redisClock = new SteppedClock(folder.resolve("redis-clock"));
        gatewayClock = new SteppedClock(folder.resolve("gateway-clock"));
        workerClock = new SteppedClock(folder.resolve("worker-clock"));
        gatewayClock.set(-HOUR);
        workerClock.set(HOUR);
        redis = new OwnRedis(folder, redisClock.environment());
        String url = redis.url();
        gateway = named("stepped-gateway", url, gatewayClock).gateway().launch();
        worker = named("stepped-worker", url, workerClock)
                .worker()
                .engine(new FakeEngine(folder.resolve("engine")))
                .set("FLUX_SLOTS", JOBS)
                .launch();
        gateway.awaitReady();
        worker.awaitReady();
    }

    private static RunningFlux.Setup named(String name, String redisUrl, SteppedClock clock) {
        RunningFlux.Setup setup = RunningFlux.named(name)
                .impatient()
                .set("FLUX_GRACE", "1s")
                .set("FLUX_GRACE_RENEWAL", "250ms")
                .set("FLUX_REDIS_URL", redisUrl);
        clock.environment().forEach(setup::set);
        return setup;
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(worker, gateway);
        if (redis != null) {
            redis.close();
        }
    }

    @Test
    void theClocksAreThoseThatTheTestSets() {
        assertThat(hoursAhead(gateway, "Flux gateway ready")).isEqualTo(23);
        assertThat(hoursAhead(worker, "Flux worker ready")).isEqualTo(1);
        redisClock.set(-2 * HOUR);
        await().atMost(TIMEOUT).until(() -> Instant.now().getEpochSecond() - redisSeconds() > HOUR);
    }

    /** By the time at the beginning of a line of the log, to the next hour, from 0 to 23. */
    private static long hoursAhead(RunningFlux flux, String line) {
        LocalTime logged = flux.log()
                .lines()
                .filter(text -> text.contains(line))
                .map(text -> LocalTime.parse(text.substring(0, text.indexOf(' '))))
                .findFirst()
                .orElseThrow();
        long minutes = Duration.between(LocalTime.now(), logged).toMinutes();
        return Math.floorMod(Math.round(minutes / 60.0), 24L);
    }

    private static long redisSeconds() {
        return Long.parseLong(redis.commands().time().get(0));
    }

    @Test
    void aStepOfTheGatewaysAndTheWorkersClockChangesNothing() {
        everyAnswerIsWhole("process", gatewayClock, workerClock);
    }

    @Test
    void aStepOfRedissClockNeitherRestartsNorCancelsAJob() {
        everyAnswerIsWhole("redis", redisClock);
    }

    private static void everyAnswerIsWhole(String name, SteppedClock... clocks) {
        try (FluxSocket socket = gateway.connect()) {
            for (String id : ids(name)) {
                socket.ask(id, "story " + WORDS + "\n", "\"max_tokens\":4096");
            }
            awaitShare(socket, name, 0.1);
            set(-60, clocks);
            awaitShare(socket, name, 0.45);
            set(HOUR, clocks);
            awaitShare(socket, name, 0.65);
            set(-HOUR, clocks);
            for (String id : ids(name)) {
                assertThat(socket.awaitEnd(id).path("finish_reason").asText())
                        .as("%s", socket.awaitEnd(id))
                        .isEqualTo("stop");
                assertThat(socket.text(id)).isEqualTo(STORY);
                assertThat(socket.events(id, "restart")).isEmpty();
                socket.assertGapless(id, 1);
            }
        }
    }

    private static void set(int seconds, SteppedClock... clocks) {
        List.of(clocks).forEach(clock -> clock.set(seconds));
    }

    private static Iterable<String> ids(String name) {
        return () -> IntStream.range(0, JOBS).mapToObj(job -> name + "-" + job).iterator();
    }

    /** Waits until that share of all text has come, so that the next step finds every job under way. */
    private static void awaitShare(FluxSocket socket, String name, double share) {
        for (String id : ids(name)) {
            await(id + " to be written")
                    .atMost(TIMEOUT)
                    .until(() -> socket.text(id).length() >= share * STORY.length());
        }
    }

    @Test
    void aDeadWorkersJobIsFoundAlsoAfterAStepBackOfRedissClock() throws IOException {
        RunningFlux second = named("stepped-second", redis.url(), workerClock)
                .worker()
                .set("FLUX_MODEL", "second")
                .engine(new FakeEngine(folder.resolve("second")))
                .start();
        try (FluxSocket socket = gateway.connect()) {
            socket.ask("lost", "story " + WORDS + "\n", "\"model\":\"second\",\"max_tokens\":4096");
            await().atMost(TIMEOUT).until(() -> socket.text("lost").length() > STORY.length() / 4);
            redisClock.set(-HOUR - 60);
            second.kill9();
            RunningFlux third = named("stepped-third", redis.url(), workerClock)
                    .worker()
                    .set("FLUX_MODEL", "second")
                    .engine(new FakeEngine(folder.resolve("third")))
                    .start();
            try {
                assertThat(socket.awaitEnd("lost").path("finish_reason").asText())
                        .isEqualTo("stop");
                assertThat(socket.text("lost")).isEqualTo(STORY);
                assertThat(socket.events("lost", "restart")).hasSize(1);
            } finally {
                third.close();
            }
        } finally {
            second.close();
        }
        assertThat(Files.readString(folder.resolve("redis.log"))).doesNotContain("cannot be preloaded");
    }
}
