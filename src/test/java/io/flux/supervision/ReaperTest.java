package io.flux.supervision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.AttemptLimits;
import io.flux.job.EventJson;
import io.flux.ledger.Ended;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.Reclaimed;
import io.flux.ledger.Reclaimed.Fate;
import io.flux.ledger.RedisFixture;
import io.flux.ledger.Write;
import io.flux.observe.EndedJobs;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.StringRedisTemplate;

/** The steps of helping jobs that got stuck, with a real Redis. In which order they are taken, the routes say. */
@Timeout(60)
class ReaperTest {
    private static final Duration EVERY = Duration.ofSeconds(20);
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final Duration ATTENTION = Duration.ofMinutes(1);
    private static final Duration DEAD_RETENTION = Duration.ofHours(3);
    private static final Instant NOW = Instant.ofEpochMilli(1_700_000_000_000L);
    private static final long LONG_AGO = 1;

    private final StringRedisTemplate redis = RedisFixture.redis();
    private final Ledger ledger = RedisFixture.ledger();
    private final EventJson json = new EventJson(new ObjectMapper());
    private final Endings endings = new Endings(ledger, json, new EndedJobs(new SimpleMeterRegistry()));
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Reaper reaper = reaper(new AttemptLimits(3, 30));

    @Test
    void aJobThatLostItsWorkerIsTheNextToBeServed() {
        serve();
        runsOut();
        assertThat(reaper.look(model).expired()).containsExactly(id);
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.WAITS);
        reaper.recover(id, model);
        reaper.recover(id, model);
        assertThat(waiting()).containsExactly(id);
        assertThat(redis.hasKey(Keys.running(model))).isFalse();
        assertThat(recovered()).as("counted once").isEqualTo(1);
    }

    @Test
    void aJobWhoseWorkerCameBackIsNotMoved() {
        serve();
        reaper.recover(id, model);
        assertThat(waiting()).isEmpty();
        assertThat(redis.opsForZSet().score(Keys.running(model), id)).isNotNull();
        assertThat(recovered()).isZero();
    }

    @Test
    void aJobThatAnotherProcessHasHelpedOnIsLeftAlone() {
        serve();
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.RUNS);
        assertThat(ledger.check(id, 1)).isEqualTo(Write.OK);
    }

    @Test
    void roundsThatDidNotComeEndWithMercy() {
        serve();
        runsOut();
        looked(EVERY.multipliedBy(4));
        assertThat(reaper.look(model).expired()).isEmpty();
        runsOut();
        looked(EVERY.multipliedBy(2));
        assertThat(reaper.look(model).expired()).containsExactly(id);
    }

    @Test
    void aJobThatKillsItsWorkersBecomesADeadLetter() {
        ledger.create(id, model, "{}", null, "grace", false);
        ledger.accept(id);
        for (int attempt = 1; attempt <= 3; attempt++) {
            lease();
            assertThat(ledger.start(id, "worker", "claim " + attempt).attempt()).isEqualTo(attempt);
            runsOut();
            assertThat(reaper.look(model).expired()).containsExactly(id);
            Reclaimed reclaimed = reaper.reclaim(id);
            if (attempt < 3) {
                assertThat(reclaimed.fate()).isEqualTo(Fate.WAITS);
                reaper.recover(id, model);
                assertThat(ledger.claim(model, "claim " + attempt, LEASE)).isEqualTo(id);
            } else {
                assertThat(reclaimed).isEqualTo(new Reclaimed(Fate.EXHAUSTED, null, 3));
                reaper.exhaust(id, model, reclaimed);
                reaper.bury(id, model);
            }
        }
        assertThat(reaper.look(model).expired()).isEmpty();
        assertThat(dead()).containsExactly(id);
        assertThat(frames())
                .containsExactly(
                        "{\"type\":\"error\",\"request_id\":\"" + id + "\",\"seq\":1,\"code\":\"engine_failed\","
                                + "\"error\":\"the worker was lost, and no attempt is left\",\"attempts\":3}");
        assertThat(ledger.deadLetter(id).failure())
                .isEqualTo("{\"code\":\"engine_failed\",\"error\":\"the worker was lost, and no attempt is left\","
                        + "\"attempts\":3,\"died_ms\":1700000000000}");
        assertThat(redis.getExpire(Keys.job(id), TimeUnit.MILLISECONDS))
                .isBetween(DEAD_RETENTION.toMillis() - 60_000, DEAD_RETENTION.toMillis());
        assertThat(died()).isEqualTo(1);
    }

    @Test
    void itsErrorFollowsWhatWasWritten() {
        exhausted();
        ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
        String channel = RedisFixture.name("flux:gateway:");
        String error = "{\"type\":\"error\",\"request_id\":\"" + id + "\",\"seq\":3,\"code\":\"engine_failed\","
                + "\"error\":\"the worker was lost, and no attempt is left\",\"attempts\":30}";
        try (var unused = RedisFixture.subscribe(channel, heard::add)) {
            ledger.follow(id, channel, 2, 10);
            reaper.exhaust(id, model, new Reclaimed(Fate.EXHAUSTED, null, 30));
            await().until(() -> !heard.isEmpty());
        }
        assertThat(frames()).containsExactly("{\"start\":1}", "{\"token\":1}", error);
        assertThat(heard).containsExactly(id + " 3 ! " + error);
    }

    @Test
    void severalProcessesExhaustAJobOnce() {
        exhausted();
        Reclaimed reclaimed = new Reclaimed(Fate.EXHAUSTED, null, 30);
        reaper.exhaust(id, model, reclaimed);
        reaper.bury(id, model);
        reaper.exhaust(id, model, reclaimed);
        reaper.bury(id, model);
        assertThat(frames()).hasSize(3);
        assertThat(dead()).containsExactly(id);
        assertThat(died()).as("counted once").isEqualTo(1);
    }

    @Test
    void aJobThatRunsAgainIsNeitherExhaustedNorBuried() {
        serve();
        reaper.exhaust(id, model, new Reclaimed(Fate.EXHAUSTED, null, 3));
        reaper.bury(id, model);
        assertThat(ledger.check(id, 1)).isEqualTo(Write.OK);
        assertThat(redis.opsForZSet().score(Keys.running(model), id)).isNotNull();
        assertThat(dead()).isEmpty();
        assertThat(died()).isZero();
    }

    @Test
    void aJobThatWasCancelledBeforeItWasExhaustedIsNoDeadLetter() {
        exhausted();
        assertThat(endings.end(id, "cancelled", model).outcome()).isEqualTo(Ended.Outcome.ENDED);
        reaper.exhaust(id, model, new Reclaimed(Fate.EXHAUSTED, null, 3));
        reaper.bury(id, model);
        assertThat(dead()).isEmpty();
        assertThat(died()).isZero();
        assertThat(reaper.reclaim(id).fate())
                .as("the next round takes it off its lists")
                .isEqualTo(Fate.OVER);
    }

    @Test
    void aDeadLetterWhoseWorkerDiedBeforeItWasListedIsListed() {
        serve();
        ledger.die(id, 1, 1, "{}", "engine_failed", "{}", DEAD_RETENTION);
        runsOut();
        assertThat(reaper.look(model).expired()).containsExactly(id);
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.DEAD);
        reaper.bury(id, model);
        assertThat(dead()).containsExactly(id);
        assertThat(reaper.look(model).expired()).isEmpty();
        assertThat(died()).as("its worker has counted it").isZero();
    }

    @Test
    void aDeadLetterThatWasDroppedMeanwhileStaysGone() {
        serve();
        ledger.die(id, 1, 1, "{}", "engine_failed", "{}", DEAD_RETENTION);
        ledger.delete(id);
        reaper.bury(id, model);
        assertThat(dead()).isEmpty();
    }

    @Test
    void aJobThatHasEndedLeavesItsLists() {
        serve();
        ledger.finish(id, 1, 1, "{}", "stop");
        runsOut();
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.OVER);
        reaper.remove(id, model);
        reaper.remove(id, model);
        assertThat(reaper.look(model).expired()).isEmpty();
        assertThat(redis.hasKey(Keys.running(model))).isFalse();
    }

    @Test
    void deadLettersWhoseTimeIsOverAreForgotten() {
        serve();
        ledger.die(id, 1, 1, "{}", "engine_failed", "{}", DEAD_RETENTION);
        reaper.bury(id, model);
        reaper.forgetDead(model);
        assertThat(dead()).containsExactly(id);
        redis.delete(Keys.job(id)); // expired
        reaper.forgetDead(model);
        assertThat(dead()).isEmpty();
    }

    @Test
    void theLimitsDecideWhetherAnAttemptIsLeft() {
        serve();
        old();
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.WAITS);
        assertThat(reaper(new AttemptLimits(1, 30)).reclaim(id).fate()).isEqualTo(Fate.EXHAUSTED);
        assertThat(reaper(new AttemptLimits(3, 1)).reclaim(id).fate()).isEqualTo(Fate.EXHAUSTED);
    }

    private Reaper reaper(AttemptLimits limits) {
        looked(Duration.ZERO);
        return new Reaper(
                ledger,
                endings,
                json,
                meters,
                Clock.fixed(NOW, ZoneOffset.UTC),
                new Reaper.Terms(EVERY, LEASE, ATTENTION, limits, DEAD_RETENTION));
    }

    /** Somebody has looked all the time, and the last time a while ago. */
    private void looked(Duration ago) {
        long now = redis.execute(
                (RedisCallback<Long>) connection -> connection.serverCommands().time());
        String key = "flux:{" + model + "}:reaper";
        redis.opsForHash().put(key, "last_ms", Long.toString(now - ago.toMillis()));
    }

    /** The job runs, and its worker holds its lease. */
    private void serve() {
        ledger.create(id, model, "{}", null, "grace", false);
        ledger.accept(id);
        lease();
        ledger.start(id, "worker", "claim");
    }

    private void lease() {
        RedisFixture.running(id, model, LEASE);
    }

    /** The job has written something and lost its worker for the last time. */
    private void exhausted() {
        serve();
        ledger.append(id, 1, 1, "{\"start\":1}");
        ledger.append(id, 1, 2, "{\"token\":1}");
        runsOut();
        assertThat(reaper.reclaim(id).fate()).isEqualTo(Fate.WAITS);
    }

    private void runsOut() {
        redis.opsForZSet().add(Keys.running(model), id, (double) LONG_AGO);
        old();
    }

    private void old() {
        redis.opsForHash().put(Keys.job(id), "begun_ms", Long.toString(LONG_AGO));
    }

    private List<String> frames() {
        return ledger.read(id, 0, 100).entries().stream()
                .map(JournalEntry::frame)
                .toList();
    }

    private List<String> waiting() {
        return ledger.order(model);
    }

    private List<String> dead() {
        return redis.opsForList().range(Keys.dead(model), 0, -1);
    }

    private double recovered() {
        return meters.counter("flux.jobs.recovered", "model", model).count();
    }

    private double died() {
        return meters.counter("flux.jobs", "model", model, "outcome", "engine_failed")
                .count();
    }
}
