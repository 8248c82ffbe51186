package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.JobIds;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Priority;
import io.flux.ledger.Arrival;
import io.flux.ledger.Ledger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;

/** One slot, and more than one who wants it: in which order engines are run. */
class TurnsIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String MODEL = "default";

    @TempDir
    Path folder;

    private final ObjectMapper mapper = new ObjectMapper();
    private final List<String> asked = new ArrayList<>();
    private TestRedis redis;
    private LettuceConnectionFactory connections;
    private Ledger ledger;
    private FakeEngine engine;

    @BeforeEach
    void start() {
        redis = TestRedis.empty();
        connections = new LettuceConnectionFactory(
                (RedisStandaloneConfiguration) LettuceConnectionFactory.createRedisConfiguration(redis.url()));
        connections.afterPropertiesSet();
        connections.start();
        ledger = new Ledger(new StringRedisTemplate(connections), Duration.ofHours(1), Duration.ofMinutes(1));
        engine = new FakeEngine(folder.resolve("engine"));
    }

    @AfterEach
    void stop() {
        connections.destroy();
    }

    /** A job that says its id. */
    private void submit(String name, String tenant, Priority priority) throws JsonProcessingException {
        String id = JobIds.of(name, tenant);
        JobRequest request = new JobRequest(
                id,
                MODEL,
                "echo " + id + "\n",
                null,
                64,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                OnDisconnect.FINISH,
                priority,
                null,
                false);
        ledger.create(id, MODEL, mapper.writeValueAsString(request), null, "finish", false);
        Arrival arrival = new Arrival(tenant, priority.ordinal() + 1, 1000, 0);
        assertThat(ledger.enqueue(id, MODEL, arrival, null, null).isRefused()).isFalse();
        ledger.accept(id);
        asked.add(id);
    }

    private List<String> served() {
        return engine.runs().stream()
                .map(run -> run.prompt().substring("echo ".length()))
                .toList();
    }

    private void awaitAll() {
        await().atMost(PATIENCE).until(() -> asked.stream()
                .allMatch(id -> ledger.read(id, 0, 1).state().equals("done")));
    }

    @Test
    void aTenantWithManyJobsDelaysAnotherByOneOfThemAndUrgentOnesGoBeforeTheRest() throws JsonProcessingException {
        for (int i = 0; i < 30; i++) {
            submit("job-" + i, "big", i == 29 ? Priority.HIGH : Priority.NORMAL);
        }
        submit("whenever", "small", Priority.LOW);
        submit("soon", "small", Priority.NORMAL);
        List<String> order = ledger.order(MODEL);
        try (RunningFlux worker =
                RunningFlux.named("turns").worker().redis(redis).engine(engine).start()) {
            awaitAll();
            assertThat(worker.isAlive()).isTrue();
        }
        assertThat(served())
                .startsWith("job-29@big", "soon@small", "job-0@big", "whenever@small", "job-1@big", "job-2@big")
                .isEqualTo(order)
                .containsExactlyInAnyOrderElementsOf(asked);
    }

    @Test
    void ticketsThatAreLostOrTooManyCostNoJob() throws JsonProcessingException {
        for (int i = 0; i < 10; i++) {
            submit("job-" + i, i % 2 == 0 ? "a" : "b", Priority.NORMAL);
        }
        redis.commands().del("flux:{default}:waiting");
        try (RunningFlux worker = RunningFlux.named("tickets")
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_SLOTS", 3)
                .start()) {
            awaitAll();
            redis.commands().rpush("flux:{default}:waiting", "1", "1", "1", "1", "1");
            submit("job-10", "a", Priority.NORMAL);
            awaitAll();
            await().atMost(PATIENCE).until(() -> redis.commands().llen("flux:{default}:waiting") == 0);
            assertThat(worker.isAlive()).isTrue();
        }
        assertThat(served()).containsExactlyInAnyOrderElementsOf(asked);
    }
}
