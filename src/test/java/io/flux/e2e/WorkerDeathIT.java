package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Workers are killed and frozen, and nobody who waits for an answer notices more than a pause. A worker that is left over
 * is the first of the next test.
 */
class WorkerDeathIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static RunningFlux gateway;
    private static final List<RunningFlux> workers = new ArrayList<>();
    /** The one that is left over, and the gap that its routes kill it in; null where there is none. */
    private static RunningFlux spare;

    private static Gap sparesGap;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = RunningFlux.named("death-gateway")
                .gateway()
                .redis(redis)
                .impatient()
                .start();
    }

    @AfterAll
    static void stop() {
        workers.forEach(RunningFlux::close);
        gateway.close();
    }

    @AfterEach
    void onlyTheSpareWorkerStays() {
        workers.stream().filter(worker -> worker != spare).forEach(RunningFlux::close);
    }

    /** Starts a worker. */
    private static RunningFlux worker() throws IOException {
        return worker(null);
    }

    /** @param gap that the worker is killed in; null for none */
    private static RunningFlux worker(Gap gap) throws IOException {
        RunningFlux.Setup setup = RunningFlux.named("death-worker-" + (workers.size() + 1))
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient();
        if (gap != null) {
            setup.set("FLUX_ROUTES", gap.routes(folder));
        }
        RunningFlux worker = setup.start();
        workers.add(worker);
        return worker;
    }

    /** The only worker there is: the one that is left over, or a new one. */
    private static RunningFlux onlyWorker() throws IOException {
        return spare != null ? takeSpare() : worker();
    }

    /** The only worker there is, and one that is killed in this gap. */
    private static RunningFlux onlyWorker(Gap gap) throws IOException {
        if (spare == null || sparesGap == gap) {
            return spare != null ? takeSpare() : worker(gap);
        }
        takeSpare().close();
        return worker(gap);
    }

    private static RunningFlux takeSpare() {
        RunningFlux taken = spare;
        spare = null;
        return taken;
    }

    /** The next test has a use for this one. */
    private static void leave(RunningFlux worker, Gap gap) {
        assertThat(worker.isAlive()).isTrue();
        spare = worker;
        sparesGap = gap;
    }

    @Test
    void anAnswerWhoseWorkerIsKilledGoesOnAtTheNextWorkerWithoutAHoleOrARepeat() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            RunningFlux first = onlyWorker();
            client.ask("killed", "gate killed\n");
            client.await("killed", "token");
            first.kill9();
            RunningFlux second = worker();
            awaitRestarts(client, "killed", 1);
            second.kill9();
            RunningFlux third = worker();
            awaitRestarts(client, "killed", 2);
            FluxEvents follower = FluxEvents.beside(client, gateway, "killed");
            engine.open("killed");
            JsonNode complete = client.awaitEnd("killed");
            follower.endsAsFor(client, "killed");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("killed")).isEqualTo("AB");
            client.assertGapless("killed", 1);
            assertThat(client.events("killed", "restart"))
                    .allSatisfy(
                            restart -> assertThat(restart.path("mode").asText()).isEqualTo("continue"))
                    .extracting(restart -> restart.path("attempt").asInt())
                    .containsExactly(2, 3);
            assertNothingIsLeft();
            leave(third, null);
        }
    }

    private static void awaitRestarts(FluxSocket client, String id, int count) {
        await().atMost(PATIENCE).until(() -> client.events(id, "restart").size() == count);
    }

    private static final String OF_THE_JOB = "${variable.id} == '%s'";

    /** A place between two steps of a job's way, where the worker is killed. */
    enum Gap {
        TICKET_AND_CLAIM("worker/slot.camel.yaml", "- filter:", "- to: direct:worker-claim", "${body} != ''"),
        CLAIM_AND_START("worker/serve.camel.yaml", "- filter:", "- setVariable:", OF_THE_JOB),
        START_AND_FIRST_EVENT("worker/serve.camel.yaml", "id: worker-serve", "- bean:", OF_THE_JOB),
        LAST_TOKEN_AND_END("worker/serve.camel.yaml", "id: worker-generate", "- to: direct:worker-end", OF_THE_JOB),
        END_AND_RELEASE("worker/serve.camel.yaml", "method: complete(", "- to: direct:worker-release", OF_THE_JOB);

        private final String file;
        private final String after;
        private final String step;
        private final String when;

        Gap(String file, String after, String step, String when) {
            this.file = file;
            this.after = after;
            this.step = step;
            this.when = when;
        }

        /** The job whose worker is killed here. */
        String job() {
            return "gap-" + name().toLowerCase(Locale.ROOT);
        }

        /** Routes that kill their worker here, for that job; before a worker has a job, for any. */
        Path routes(Path parent) throws IOException {
            Path killer = parent.resolve(job() + ".sh");
            Files.writeString(killer, "#!/bin/sh\nkill -9 $PPID\n");
            assertThat(killer.toFile().setExecutable(true)).isTrue();
            return new EditedRoutes(parent.resolve(job()))
                    .insert(
                            file,
                            after,
                            step,
                            """
                            - filter:
                                simple: "%s"
                                steps:
                                  - to: exec:%s
                            """
                                    .formatted(when.formatted(job()), killer))
                    .folder();
        }

        /** The gap whose worker may serve this one's job first; null after the last. */
        Gap next() {
            return this == END_AND_RELEASE ? null : values()[ordinal() + 1];
        }
    }

    @ParameterizedTest
    @EnumSource
    void aJobWhoseWorkerIsKilledInAGapIsServedOnceMoreOrNotAtAllWhenItWasComplete(Gap gap) throws IOException {
        String id = gap.job();
        String prompt = "echo text of " + id;
        try (FluxSocket client = gateway.connect()) {
            RunningFlux doomed = onlyWorker(gap);
            // What is written when the worker dies is all that there is to write: the next engine finds no more.
            client.ask(id, (gap == Gap.LAST_TOKEN_AND_END ? "cut whole" : prompt) + "\n");
            FluxEvents follower = FluxEvents.beside(client, gateway, id);
            doomed.awaitEnd();
            RunningFlux next = worker(gap.next());
            JsonNode complete = client.awaitEnd(id);
            follower.endsAsFor(client, id);
            assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
            assertNothingIsLeft();
            leave(next, gap.next());
            client.assertGapless(id, 1);
            assertThat(client.events(id, "start")).hasSize(1);
            assertThat(client.events(id, "complete")).hasSize(1);
            switch (gap) {
                case LAST_TOKEN_AND_END -> {
                    assertThat(client.text(id)).isEqualTo("whole");
                    assertThat(engine.runs("cut whole")).hasSize(2);
                }
                case END_AND_RELEASE -> {
                    assertThat(client.text(id)).isEqualTo("text of " + id);
                    assertThat(engine.runs(prompt)).as("complete").hasSize(1);
                }
                default -> {
                    assertThat(client.text(id)).isEqualTo("text of " + id);
                    assertThat(engine.runs(prompt))
                            .as("only the next worker got that far")
                            .hasSize(1);
                }
            }
        }
    }

    @Test
    void aWorkerThatWakesUpAfterItsLeaseIsFencedAndItsEngineStopped() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            RunningFlux frozen = onlyWorker();
            client.ask("frozen", "gate frozen\n");
            client.await("frozen", "token");
            FluxEvents follower = FluxEvents.beside(client, gateway, "frozen");
            FakeEngine.Run late = engine.runs("gate frozen").get(0);
            frozen.freeze();
            RunningFlux next = worker();
            awaitRestarts(client, "frozen", 1);
            frozen.thaw();
            await().atMost(PATIENCE).until(() -> !late.isAlive());
            // The restart is told before its engine has begun.
            await().atMost(PATIENCE).until(() -> engine.runs("gate frozen").size() == 2);
            engine.open("frozen");
            client.awaitEnd("frozen");
            assertThat(client.text("frozen")).isEqualTo("AB");
            client.assertGapless("frozen", 1);
            follower.endsAsFor(client, "frozen");
            assertThat(next.isAlive()).isTrue();

            // It has not forgotten how to work.
            next.stop();
            client.ask("after", "echo after\n");
            client.awaitEnd("after");
            assertThat(client.text("after")).isEqualTo("after");
            assertNothingIsLeft();
            leave(frozen, null);
        }
    }

    @Test
    void lateTokensOfAFencedWorkerReachNobody() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            RunningFlux frozen = onlyWorker();
            client.ask("late", "gate late\n");
            client.await("late", "token");
            frozen.freeze();
            RunningFlux next = worker();
            awaitRestarts(client, "late", 1);
            engine.open("late"); // both engines write a B now
            client.awaitEnd("late");
            frozen.thaw();
            await().atMost(PATIENCE)
                    .until(
                            () -> frozen.log()
                                            .contains(
                                                    "the job is another worker's now; nothing more is written request_id=late ")
                                    || frozen.log()
                                            .contains(
                                                    "the job belongs to another attempt; nothing more is written here request_id=late "));
            assertThat(client.text("late")).isEqualTo("AB");
            client.assertGapless("late", 1);
            assertThat(client.events("late", "complete")).hasSize(1);
            assertNothingIsLeft();
            leave(next, null);
        }
    }

    @Test
    void aJobThatKillsItsWorkersBecomesADeadLetter() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            RunningFlux victim = onlyWorker();
            client.ask("murder", "murder\n");
            FluxEvents follower = FluxEvents.beside(client, gateway, "murder");
            victim.awaitEnd();
            for (int attempt = 2; attempt <= 3; attempt++) {
                worker().awaitEnd();
            }
            JsonNode error = client.awaitEnd("murder");
            assertThat(error.path("code").asText()).isEqualTo("engine_failed");
            assertThat(error.path("error").asText()).contains("worker was lost");
            client.assertGapless("murder", 1);
            follower.endsAsFor(client, "murder");
            await().untilAsserted(() -> assertThat(redis.commands().lrange("flux:{default}:dead", 0, -1))
                    .contains("murder"));
            assertThat(gateway.get("/queue/dead/murder").body()).contains("\"attempts\":3", "\"prompt\":\"murder\\n\"");
            assertNothingIsLeft();
        }
    }

    /** No list but the dead letters' knows a job any more. */
    private static void assertNothingIsLeft() {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(List.of(
                        redis.commands().llen("flux:{default}:waiting"),
                        redis.commands().zcard("flux:{default}:line"),
                        redis.commands().zcard("flux:{default}:running"),
                        redis.commands().zcard("flux:{default}:followed"),
                        redis.commands().zcard("flux:{default}:deadlines")))
                .containsOnly(0L));
    }
}
