package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.StringRedisTemplate;

/** A job, a model and a channel of each test's own, and the steps that its tests take often. */
abstract class LedgerFixture {
    static final Duration RETENTION = Duration.ofHours(1);
    static final Duration DEAD_RETENTION = Duration.ofHours(3);
    static final Duration LEASE = Duration.ofSeconds(30);
    /** Some time in the past, where a test wants to have waited. */
    static final long LONG_AGO = 1;

    private static final LastEvent LAST = new LastEvent("{\"seq\":", ",\"x\":0}", ",\"x\":null}");

    final StringRedisTemplate redis = server();
    final Ledger ledger = RedisFixture.ledger(redis);
    String id;
    String model;
    String channel;

    /** Where the tests of this class run. */
    StringRedisTemplate server() {
        return RedisFixture.redis();
    }

    @BeforeEach
    void names() {
        id = RedisFixture.name("job");
        model = RedisFixture.name("model");
        channel = RedisFixture.name("flux:gateway:");
    }

    /** A job that Flux owes an answer, on none of its model's lists. */
    void create() {
        create("{}");
        ledger.accept(id);
    }

    Created create(String request) {
        return ledger.create(id, model, request, null, "grace", false);
    }

    long enqueue(String job, int limit) {
        return ledger.enqueue(job, model, RedisFixture.arrival(limit), null, null)
                .position();
    }

    /** What a slot does: it takes a ticket, and with it the next job. */
    String claim() {
        redis.opsForList().rightPop(Keys.waiting(model));
        return ledger.claim(model, RedisFixture.name("claim"), LEASE);
    }

    /** Hears a channel's messages, in order, from now on. */
    RedisFixture.Subscription subscribe(String channel, Consumer<String> listener) {
        return RedisFixture.subscribe(redis, channel, listener);
    }

    void lease(String job, Duration length) {
        RedisFixture.running(redis, job, model, length);
    }

    Started start() {
        Started started = start("worker");
        assertThat(started).isNotNull();
        return started;
    }

    /** By a claim of its own. */
    Started start(String worker) {
        return ledger.start(id, worker, RedisFixture.name("claim"));
    }

    Ended end() {
        return end("cancelled");
    }

    Ended end(String outcome) {
        return ledger.end(id, LAST, outcome);
    }

    Ended exhaust(String failure) {
        return ledger.exhaust(id, LAST, "engine_failed", failure, DEAD_RETENTION);
    }

    /** Takes the job from its worker as if the attempt had begun a while ago. */
    Reclaimed reclaim(int failures, int attempts) {
        return ledger.reclaim(id, Duration.ZERO, failures, attempts);
    }

    static void fenced(ThrowingCallable write) {
        assertThatThrownBy(write).isInstanceOf(FencedException.class);
    }

    String state() {
        return job("state");
    }

    String job(String field) {
        return (String) redis.opsForHash().get(Keys.job(id), field);
    }

    Map<String, String> wholeJob() {
        return redis.<String, String>opsForHash().entries(Keys.job(id));
    }

    void put(String key, String field, long value) {
        redis.opsForHash().put(key, field, Long.toString(value));
    }

    List<String> frames() {
        return ledger.read(id, 0, 1000).entries().stream()
                .map(JournalEntry::frame)
                .toList();
    }

    /** The next one first. */
    List<String> waiting() {
        return ledger.order(model);
    }

    long tickets() {
        return redis.opsForList().size(Keys.waiting(model));
    }

    List<String> dead() {
        return redis.opsForList().range(Keys.dead(model), 0, -1);
    }

    Set<String> followers() {
        return redis.opsForSet().members(Keys.followers(id));
    }

    /** A member's score; null when it is none. */
    Long score(String key, String member) {
        Double score = redis.opsForZSet().score(key, member);
        return score == null ? null : score.longValue();
    }

    void score(String key, String member, long score) {
        redis.opsForZSet().add(key, member, (double) score);
    }

    long redisTime() {
        return redis.execute(
                (RedisCallback<Long>) connection -> connection.serverCommands().time());
    }

    long ttl(String key) {
        return redis.getExpire(key, TimeUnit.MILLISECONDS);
    }

    void expires(Duration retention) {
        for (String key : List.of(Keys.job(id), Keys.journal(id), Keys.followers(id))) {
            assertThat(ttl(key)).as(key).isBetween(retention.toMillis() - 60_000, retention.toMillis());
        }
    }
}
