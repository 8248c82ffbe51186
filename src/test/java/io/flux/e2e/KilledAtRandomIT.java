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

/** Sixty-four jobs over four workers, which are killed at random for a minute, each replaced at once. */
class KilledAtRandomIT {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int JOBS = 64;
    private static final int WORKERS = 4;
    private static final int WORDS = 120;

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
        int kills = 0;
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
            long end = redis.serverTime() + MINUTE.toMillis();
            while (redis.serverTime() < end) {
                int before = answers(client);
                int victim = random.nextInt(WORKERS);
                workers.get(victim).kill9();
                kills++;
                workers.set(victim, worker());
                // Some work is done in between, or nothing would ever be finished.
                await().atMost(PATIENCE).until(() -> answers(client) > before || answers(client) == JOBS);
            }
            for (int job = 0; job < JOBS; job++) {
                String id = "job-" + job;
                JsonNode complete = client.awaitEnd(id);
                assertThat(complete.path("finish_reason").asText())
                        .as("%s", complete)
                        .isEqualTo("stop");
                assertThat(client.text(id)).isEqualTo(FakeEngine.story(WORDS));
                client.assertGapless(id, 1);
                assertThat(client.events(id, "complete")).hasSize(1);
            }
            assertThat(kills).as("workers were killed").isGreaterThan(WORKERS);
            assertThat(redis.commands().llen("flux:{default}:dead")).isZero();
        } finally {
            workers.forEach(RunningFlux::close);
        }
    }

    private RunningFlux worker() {
        return RunningFlux.named("random-worker-" + ++started)
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_SLOTS", 4)
                .start();
    }

    private static int answers(FluxSocket client) {
        return (int) client.events().stream()
                .filter(event -> FluxSocket.type(event).equals("complete"))
                .count();
    }
}
