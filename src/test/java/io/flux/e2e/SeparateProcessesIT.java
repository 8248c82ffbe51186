package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.api.sync.RedisCommands;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One gateway and two workers that share nothing but Redis. */
class SeparateProcessesIT {
    private static final int CLIENTS = 10;

    /** Characters of one to four bytes, and some that are several of those together. */
    private static final List<String> SALT = List.of(
            "é", "e\u0301", "ß", "漢", "🦊", "👩‍👩‍👧", "🇸🇪", "\u05d0\u05b8", "क्षि", "z\u0335\u0321", "–", "𝄞");

    @TempDir
    static Path folder;

    private static FakeEngine engine;
    private static RunningFlux gateway;
    private static final List<RunningFlux> WORKERS = new ArrayList<>();

    @BeforeAll
    static void start() {
        TestRedis redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = RunningFlux.named("gateway").gateway().redis(redis).launch();
        for (int worker = 1; worker <= 2; worker++) {
            WORKERS.add(RunningFlux.named("worker-" + worker)
                    .worker()
                    .redis(redis)
                    .engine(engine)
                    .set("FLUX_SLOTS", 2)
                    .set("FLUX_POD", "worker-" + worker) // there is no Kubernetes to tell
                    .launch());
        }
        gateway.awaitReady();
        WORKERS.forEach(RunningFlux::awaitReady);
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(WORKERS.toArray(RunningFlux[]::new));
        gateway.close();
    }

    @Test
    void tenClientsAtOnceEachGetExactlyTheTextThatTheirEngineWrote() {
        List<FluxSocket> clients = new ArrayList<>();
        try {
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(gateway.connect());
            }
            for (int i = 0; i < CLIENTS; i++) {
                clients.get(i).ask("exact-" + i, "bytes " + text(i));
            }
            for (int i = 0; i < CLIENTS; i++) {
                String id = "exact-" + i;
                FluxSocket client = clients.get(i);
                assertThat(client.awaitEnd(id).path("finish_reason").asText()).isEqualTo("stop");
                assertThat(client.text(id)).isEqualTo(text(i));
                client.assertGapless(id, 1);
                assertThat(client.events())
                        .allSatisfy(event ->
                                assertThat(event.path("request_id").asText()).isEqualTo(id));
            }
        } finally {
            clients.forEach(FluxSocket::close);
        }
    }

    private static String text(int number) {
        StringBuilder text = new StringBuilder("client " + number + ": ");
        for (int i = 0; i < SALT.size(); i++) {
            text.append(SALT.get((i + number) % SALT.size())).append(number);
        }
        return text.toString();
    }

    @Test
    void aWorkerThatMayNotMarkItsPodSaysSoAndServes() {
        RunningFlux worker = WORKERS.get(0);
        await().atMost(RunningFlux.START).until(() -> worker.log().contains("The pod worker-1 cannot be marked"));
        assertThat(worker.get("/health").statusCode()).isEqualTo(200);
    }

    @Test
    void jobsAreSpreadOverTheSlotsOfBothWorkers() {
        try (FluxSocket client = gateway.connect()) {
            for (int i = 1; i <= 4; i++) {
                client.askAndStart("spread-" + i, "gate spread");
            }
            client.ask("spread-5", "gate spread");
            client.await("spread-5", "ticket");
            await().until(() -> engine.runs("gate spread").size() == 4); // an attempt begins before its process does
            assertThat(engine.runs("gate spread").stream()
                            .collect(Collectors.groupingBy(FakeEngine.Run::workerPid, Collectors.counting())))
                    .containsOnlyKeys(WORKERS.stream().map(RunningFlux::pid).toList())
                    .allSatisfy((worker, jobs) -> assertThat(jobs).isEqualTo(2));
            engine.open("spread");
            for (int i = 1; i <= 5; i++) {
                client.awaitEnd("spread-" + i);
                assertThat(client.text("spread-" + i)).isEqualTo("AB");
            }
        }
    }

    @Test
    void theFirstCharacterArrivesBeforeTheEngineHasWrittenTheSecond() {
        try (FluxSocket client = gateway.connect()) {
            client.ask("live", "gate live");
            assertThat(client.await("live", "token").path("content").asText()).isEqualTo("A");
            assertThat(client.text("live")).isEqualTo("A");
            engine.open("live"); // only now can there be a B
            client.awaitEnd("live");
            assertThat(client.text("live")).isEqualTo("AB");
        }
    }

    @Test
    void severalJobsShareASocketWithoutMixingTheirTexts() {
        try (FluxSocket client = gateway.connect()) {
            for (int i = 0; i < CLIENTS; i++) {
                client.ask("shared-" + i, "bytes " + text(i));
            }
            for (int i = 0; i < CLIENTS; i++) {
                client.awaitEnd("shared-" + i);
                assertThat(client.text("shared-" + i)).isEqualTo(text(i));
                client.assertGapless("shared-" + i, 1);
            }
        }
    }

    @Test
    void twoClientsMayFollowOneJob() {
        try (FluxSocket first = gateway.connect();
                FluxSocket second = gateway.connect()) {
            first.ask("followed", "gate followed");
            first.await("followed", "token");
            second.resume("followed", 0);
            second.await("followed", "token");
            engine.open("followed");
            first.awaitEnd("followed");
            second.awaitEnd("followed");
            assertThat(first.text("followed")).isEqualTo("AB");
            assertThat(second.text("followed")).isEqualTo("AB");
        }
    }

    /** Its announcement is kept from Redis for a while: a key of another type is where it belongs. */
    @Test
    void aWorkerIsReadyWhenItsModelIsAnnouncedAndNotBefore() {
        RedisCommands<String, String> commands = TestRedis.running().commands();
        String announced = "flux:{models}:announced";
        commands.del(announced);
        commands.set(announced, "no hash");
        try (RunningFlux worker = RunningFlux.named("worker-announced")
                .worker()
                .redis(TestRedis.running())
                .engine(engine)
                .set("FLUX_MODEL", "announced")
                .impatient()
                .until("Health and metrics at", "common-announce failed")
                .start()) {
            assertThat(worker.get("/health").statusCode()).isEqualTo(503);
            assertThat(worker.get("/health").body()).contains("\"worker\":\"the model is not announced yet\"");
            assertThat(worker.log()).doesNotContain("Flux worker ready");
            commands.del(announced);
            await().atMost(RunningFlux.START).pollInterval(Duration.ofMillis(2)).until(() -> worker.log()
                    .contains("Flux worker ready"));
            assertThat(worker.get("/health").statusCode()).isEqualTo(200);
            try (FluxSocket client = gateway.connect()) {
                client.ask("announced", "echo known", "\"model\":\"announced\"");
                client.awaitEnd("announced");
                assertThat(client.text("announced")).isEqualTo("known");
            }
        } finally {
            if (commands.type(announced).equals("string")) {
                commands.del(announced);
            }
        }
    }

    @Test
    void theHealthOfEachProcessIsItsOwn() {
        assertThat(gateway.get("/health").body()).contains("\"redis\":\"up\"").doesNotContain("worker");
        assertThat(WORKERS).allSatisfy(worker -> {
            assertThat(worker.get("/health").statusCode()).isEqualTo(200);
            assertThat(worker.get("/health").body()).contains("\"worker\":\"up\"");
            assertThat(worker.get("/metrics").body()).contains("flux_jobs_running");
            assertThat(worker.get("/").statusCode()).as("a worker has no page").isEqualTo(404);
        });
    }
}
