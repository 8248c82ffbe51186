package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients, gateways and workers leave, with and without a word; what becomes of their jobs. */
class LeavingIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String CANCEL = "\"on_disconnect\":\"cancel\"";
    private static final String GRACE = "\"on_disconnect\":\"grace\"";
    private static final String FINISH = "\"on_disconnect\":\"finish\"";

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static RunningFlux gateway;
    private static RunningFlux worker;
    private static int processes;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = gateway("leaving-gateway").launch();
        worker = worker("leaving-worker").set("FLUX_SLOTS", 4).launch();
        gateway.awaitReady();
        worker.awaitReady();
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(worker, gateway);
    }

    private static RunningFlux.Setup gateway(String name) {
        return RunningFlux.named(name)
                .gateway()
                .redis(redis)
                .impatient()
                .set("FLUX_GRACE", "2s")
                .set("FLUX_GRACE_RENEWAL", "500ms")
                .set("FLUX_PING", "200ms");
    }

    private static RunningFlux.Setup worker(String name) {
        return RunningFlux.named(name)
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_GRACE", "2s")
                .set("FLUX_GRACE_RENEWAL", "500ms");
    }

    @Test
    void whoeverWantsItsJobCancelledWhenItLeavesFreesTheSlotByLeaving() {
        try (FluxSocket leaver = gateway.connect()) {
            leaver.ask("leave-running", "gate never-1\n", CANCEL);
            leaver.await("leave-running", "token");
        }
        awaitEngineGone("gate never-1");
        assertEnd("leave-running", "cancelled", "A");
    }

    @Test
    void aJobThatIsFollowedElsewhereStillGoesOn() {
        try (FluxSocket stays = gateway.connect()) {
            try (FluxSocket leaver = gateway.connect()) {
                leaver.ask("shared", "gate shared\n", CANCEL);
                leaver.await("shared", "token");
                stays.resume("shared", 0);
                stays.await("shared", "token");
            }
            await().until(() -> gateway.get("/metrics").body().contains("flux_sockets 1.0"));
            engine.open("shared");
            assertThat(stays.awaitEnd("shared").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(stays.text("shared")).isEqualTo("AB");
        }
    }

    @Test
    void whoeverComesBackWithinTheGraceTimeFindsItsJobGoingOn() {
        try (FluxSocket leaver = gateway.connect()) {
            leaver.ask("back", "gate back\n", GRACE);
            leaver.await("back", "token");
        }
        try (FluxSocket again = gateway.connect()) {
            again.resume("back", 2);
            again.await("back", "ticket");
            // Longer than the grace time and a renewal: as long as somebody follows the job, they do not count.
            long cameBack = redis.serverTime();
            await().atMost(PATIENCE).until(() -> redis.serverTime() > cameBack + 3000);
            engine.open("back");
            assertThat(again.awaitEnd("back").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(again.text("back")).isEqualTo("B");
            again.assertGapless("back", 3);
        }
    }

    @Test
    void aJobThatNobodyComesBackToIsCancelledWhetherItRunsOrWaits() {
        try (FluxSocket leaver = gateway.connect()) {
            leaver.ask("lonely", "gate never-2\n"); // grace is the default
            leaver.await("lonely", "token");
        }
        awaitEngineGone("gate never-2");
        assertEnd("lonely", "cancelled", "A");
    }

    @Test
    void aJobThatIsToFinishDoesSoWithNobodyThere() {
        try (FluxSocket leaver = gateway.connect()) {
            leaver.ask("alone", "gate alone\n", FINISH);
            leaver.await("alone", "token");
        }
        await().until(() -> redis.commands().scard("flux:{alone}:followers") == 0);
        assertThat(redis.commands().zscore("flux:{default}:followed", "alone")).isNull();
        engine.open("alone");
        assertEnd("alone", "stop", "AB");
    }

    @Test
    void aClientWhoseNetworkIsGoneWithoutAWordHasLeft() {
        try (TcpProxy network = new TcpProxy(gateway.port());
                FluxSocket client =
                        FluxSocket.connect(URI.create("ws://127.0.0.1:" + network.port() + "/ws/generate"))) {
            client.ask("silent", "gate never-3\n", CANCEL);
            client.await("silent", "token");
            network.swallow();
            awaitEngineGone("gate never-3");
        }
        assertEnd("silent", "cancelled", "A");
    }

    @Test
    void whenAGatewayIsKilledClientsResumeAtAnotherAndTheRestFollowsItsOnDisconnect() {
        RunningFlux doomed = gateway("leaving-doomed").start();
        FluxEvents follower;
        try (FluxSocket lost = doomed.connect()) {
            lost.ask("resumed", "gate resumed\n");
            lost.ask("given-up", "gate never-4\n", CANCEL);
            lost.ask("finishes", "gate finishes\n", FINISH);
            for (String id : new String[] {"resumed", "given-up", "finishes"}) {
                lost.await(id, "token");
            }
            follower = FluxEvents.beside(lost, doomed, "resumed");
            follower.await("resumed", "token");
            doomed.kill9();
            await().until(lost::isClosed);
            follower.moveTo(gateway, "resumed"); // as a load balancer does
        }
        try (FluxSocket again = gateway.connect()) {
            again.resume("resumed", 2);
            again.await("resumed", "ticket");
            awaitEngineGone("gate never-4");
            assertEnd("given-up", "cancelled", "A");
            engine.open("resumed");
            engine.open("finishes");
            assertThat(again.awaitEnd("resumed").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(again.text("resumed")).isEqualTo("B");
            again.assertGapless("resumed", 3);
            follower.awaitEnd("resumed");
            follower.assertGapless("resumed", 1);
            assertThat(follower.text("resumed")).isEqualTo("AB");
            await("it is told that there is no more").until(follower::isOver);
            assertEnd("finishes", "stop", "AB");
        }
    }

    @Test
    void fluxAskGoesOnWhenItsGatewayIsKilledAndStartedAgain() throws IOException, InterruptedException {
        // Longer than a gateway takes to start.
        RunningFlux doomed = gateway("leaving-asked").set("FLUX_GRACE", "60s").start();
        int port = doomed.port();
        Process ask = new ProcessBuilder(
                        FluxProgram.ask("--url", "http://127.0.0.1:" + port, "--quiet", "gate asked\n"))
                .redirectError(folder.resolve("ask.err").toFile())
                .start();
        try {
            await().atMost(PATIENCE).until(() -> !engine.runs("gate asked").isEmpty());
            assertThat(ask.getInputStream().read()).isEqualTo('A');
            doomed.kill9();
            try (RunningFlux again =
                    gateway("leaving-asked-again").set("FLUX_PORT", port).start()) {
                assertThat(again.isAlive()).isTrue();
                engine.open("asked");
                assertThat(new String(ask.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                        .isEqualTo("B\n");
                assertThat(ask.waitFor()).isZero();
            }
        } finally {
            ask.destroyForcibly();
            doomed.close();
        }
    }

    @Test
    void aGatewayThatIsToldToStopSendsItsClientsElsewhere() {
        try (RunningFlux leaving = gateway("leaving-terminated").start();
                FluxSocket client = leaving.connect()) {
            client.ask("moved", "gate moved\n");
            client.await("moved", "token");
            client.ask("cancelled-elsewhere", "gate never-5\n");
            client.await("cancelled-elsewhere", "token");
            try (FluxSocket elsewhere = gateway.connect()) {
                elsewhere.cancel("cancelled-elsewhere");
                assertThat(client.awaitEnd("cancelled-elsewhere")
                                .path("finish_reason")
                                .asText())
                        .isEqualTo("cancelled");
            }
            FluxEvents follower = FluxEvents.beside(client, leaving, "moved");
            follower.await("moved", "token");
            follower.moveTo(gateway, "moved"); // for the next time
            leaving.terminate();
            await().atMost(PATIENCE).until(client::isClosed);
            assertThat(client.closeCode()).isEqualTo(1012);
            leaving.awaitEnd();
            try (FluxSocket again = gateway.connect()) {
                again.resume("moved", 2);
                again.await("moved", "ticket");
                engine.open("moved");
                again.awaitEnd("moved");
                assertThat(client.text("moved") + again.text("moved")).isEqualTo("AB");
                follower.awaitEnd("moved");
                follower.assertGapless("moved", 1);
                assertThat(follower.text("moved")).isEqualTo("AB");
                follower.close();
            }
        }
    }

    @Test
    void aWorkerThatIsToldToStopFinishesItsAnswerAndTakesNoOther() {
        RunningFlux.Setup other = RunningFlux.named("leaving-drained-" + ++processes)
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_MODEL", "drained");
        try (RunningFlux door = gateway("leaving-drained-gateway")
                        .set("FLUX_MODEL", "drained")
                        .launch();
                RunningFlux leaving = other.launch();
                FluxSocket client = door.awaitReady().connect()) {
            leaving.awaitReady();
            client.ask("last", "gate last\n");
            client.await("last", "token");
            leaving.terminate();
            await().atMost(PATIENCE).until(() -> leaving.log().contains("Finishing 1 job"));
            client.ask("next", "echo next\n");
            client.await("next", "ticket");
            assertThat(leaving.isAlive()).isTrue();
            engine.open("last");
            assertThat(client.awaitEnd("last").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("last")).isEqualTo("AB");
            assertThat(client.events("last", "restart")).isEmpty();
            leaving.awaitEnd();
            assertThat(engine.runs("echo next"))
                    .as("not begun by a worker that leaves")
                    .isEmpty();
            assertThat(redis.commands().hkeys("flux:{drained}:places")).containsExactly("next");
        }
    }

    @Test
    void aWorkerWhoseTimeIsOverHandsItsAnswersOverAndNobodySeesAnError() {
        try (FluxSocket client = gateway.connect();
                RunningFlux leaving =
                        worker("leaving-hurried").set("FLUX_DRAIN", "0s").start()) {
            worker.freeze(); // the other worker is not to take it
            try {
                client.ask("handed", "gate handed\n");
                client.await("handed", "token");
            } finally {
                worker.thaw();
            }
            FluxEvents follower = FluxEvents.beside(client, gateway, "handed");
            leaving.terminate();
            leaving.awaitEnd();
            JsonNode restart = client.await("handed", "restart");
            assertThat(restart.path("mode").asText()).isEqualTo("continue");
            assertThat(redis.commands().hget("flux:{handed}:job", "failures"))
                    .as("not the job's fault")
                    .isEqualTo("0");
            engine.open("handed");
            client.awaitEnd("handed");
            assertThat(client.text("handed")).isEqualTo("AB");
            client.assertGapless("handed", 1);
            follower.endsAsFor(client, "handed");
        }
    }

    private static void awaitEngineGone(String prompt) {
        await().atMost(PATIENCE)
                .until(() -> !engine.runs(prompt).isEmpty()
                        && engine.runs(prompt).stream().noneMatch(FakeEngine.Run::isAlive));
    }

    /** What somebody who asks later is told. */
    private static void assertEnd(String id, String reason, String text) {
        try (FluxSocket later = gateway.connect()) {
            later.resume(id, 0);
            assertThat(later.awaitEnd(id).path("finish_reason").asText()).isEqualTo(reason);
            assertThat(later.text(id)).isEqualTo(text);
            later.assertGapless(id, 1);
        }
    }
}
