package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sixty-four jobs over four workers, which are killed at random while they write, each replaced at once. */
class KilledAtRandomIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int JOBS = 64;
    private static final int WORDS = 100;
    private static final int WORKERS = 4;
    private static final int KILLS = 8;
    private static final String STORY = FakeEngine.story(WORDS);

    @TempDir
    static Path folder;

    private final Random random = new Random();
    private TestRedis redis;
    private FakeEngine engine;
    private int started;

    @Test
    void everyAnswerIsCompleteAndExact() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        List<RunningFlux> workers = new ArrayList<>();
        try (RunningFlux gateway = RunningFlux.named("random-gateway")
                        .gateway()
                        .redis(redis)
                        .impatient()
                        .start();
                FluxSocket client = gateway.connect()) {
            for (int i = 0; i < WORKERS; i++) {
                workers.add(worker());
            }
            for (int job = 0; job < JOBS; job++) {
                client.ask("job-" + job, "story " + WORDS + "\n", "\"max_tokens\":4096");
            }
            for (int kill = 0; kill < KILLS; kill++) {
                // By what is written and not by the clock: whatever the machine's pace, each kill finds work under way.
                double share = 0.9 * (kill + random.nextDouble()) / KILLS;
                await().atMost(PATIENCE).until(() -> written(client) >= share * JOBS * STORY.length());
                RunningFlux victim = anyOf(workers);
                victim.kill9();
                workers.set(workers.indexOf(victim), worker());
            }
            int restarts = 0;
            for (int job = 0; job < JOBS; job++) {
                String id = "job-" + job;
                JsonNode complete = client.awaitEnd(id);
                assertThat(complete.path("finish_reason").asText())
                        .as("%s", complete)
                        .isEqualTo("stop");
                assertThat(client.text(id)).isEqualTo(STORY);
                client.assertGapless(id, 1);
                assertThat(client.events(id, "complete")).hasSize(1);
                restarts += client.events(id, "restart").size();
            }
            assertThat(restarts).as("workers were killed at work").isGreaterThan(KILLS);
            assertThat(redis.commands().llen("flux:{default}:dead")).isZero();
        } finally {
            RunningFlux.closeAll(workers.toArray(RunningFlux[]::new));
        }
    }

    private RunningFlux worker() {
        return RunningFlux.named("random-worker-" + ++started)
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_SLOTS", 4)
                .launch();
    }

    /** A worker that takes jobs, now or as soon as there is one. */
    private RunningFlux anyOf(List<RunningFlux> workers) {
        await().atMost(PATIENCE).until(() -> workers.stream().anyMatch(RunningFlux::isReady));
        List<RunningFlux> ready = workers.stream().filter(RunningFlux::isReady).toList();
        return ready.get(random.nextInt(ready.size()));
    }

    /** Characters of all answers so far. */
    private static int written(FluxSocket client) {
        return client.events().stream()
                .mapToInt(event -> event.path("content").asText().length())
                .sum();
    }
}
