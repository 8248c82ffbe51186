package io.flux.ledger;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * Which jobs' answers are to be posted, and when. All keys share the slot of {@code {callbacks}}. Every method may be
 * repeated without harm, blocks for one round trip, and throws Spring's {@code DataAccessException} when Redis does not
 * answer. Thread-safe.
 */
public final class CallbackLedger {
    private static final String DUE = "flux:{callbacks}:due";
    private static final String ATTEMPTS = "flux:{callbacks}:attempts";
    private static final String UNDELIVERED = "flux:{callbacks}:undelivered";

    /** Channel on which gateways hear the ids of jobs that have ended and whose answers are to be posted. */
    public static final String ENDED = "flux:ended";

    private final StringRedisTemplate redis;
    private final Replicas replicas;
    private final RedisScript<Long> expect = script("expect", Long.class);
    private final RedisScript<Long> hasten = script("hasten", Long.class);
    private final RedisScript<List<Object>> due = script("due", List.class);
    private final RedisScript<Long> postpone = script("postpone", Long.class);
    private final RedisScript<Long> settle = script("settle", Long.class);

    public CallbackLedger(StringRedisTemplate redis) {
        this(redis, Replicas.NONE);
    }

    /** @param replicas that are to know of an answer before its job is accepted */
    public CallbackLedger(StringRedisTemplate redis, Replicas replicas) {
        this.redis = redis;
        this.replicas = replicas;
    }

    @SuppressWarnings("unchecked")
    private static <T> RedisScript<T> script(String verb, Class<?> result) {
        return RedisScript.of(new ClassPathResource("redis/" + verb + ".lua"), (Class<T>) result);
    }

    /**
     * The job's answer is to be posted; it is looked at after {@code first}.
     *
     * @throws ReplicasMissingException when too few replicas know; to be repeated
     */
    public void expect(String id, Duration first) {
        String millis = Long.toString(first.toMillis());
        if (replicas.any()) {
            replicas.write(expect, List.of(DUE), true, id, millis);
        } else {
            redis.execute(expect, List.of(DUE), id, millis);
        }
    }

    /** The job has ended: it is to be looked at now. */
    public void hasten(String id) {
        redis.execute(hasten, List.of(DUE, ATTEMPTS), id);
    }

    /**
     * The ids that are to be looked at now. Nobody else is told them for a while.
     *
     * @param lease that while
     * @param count the most to return
     */
    public List<String> due(Duration lease, int count) {
        return redis.execute(due, List.of(DUE), Long.toString(lease.toMillis()), Integer.toString(count)).stream()
                .map(Object::toString)
                .toList();
    }

    /**
     * Looks at it again later.
     *
     * @param failed whether an attempt has failed
     */
    public void postpone(String id, Duration delay, boolean failed) {
        redis.execute(postpone, List.of(DUE, ATTEMPTS), id, Long.toString(delay.toMillis()), failed ? "1" : "0");
    }

    /** How many answers are to be posted, now or when their jobs have ended. */
    public long expected() {
        return redis.opsForZSet().zCard(DUE);
    }

    /** How many were buried. */
    public long buried() {
        return redis.opsForHash().size(UNDELIVERED);
    }

    /** How many attempts have failed. */
    public int attempts(String id) {
        String attempts = redis.<String, String>opsForHash().get(ATTEMPTS, id);
        return attempts == null ? 0 : Integer.parseInt(attempts);
    }

    /** There is nothing to post any more. */
    public void settle(String id) {
        redis.execute(settle, List.of(DUE, ATTEMPTS, UNDELIVERED), id, "");
    }

    /**
     * No attempt is left.
     *
     * @param failure what operators are to know, JSON
     */
    public void bury(String id, String failure) {
        redis.execute(settle, List.of(DUE, ATTEMPTS, UNDELIVERED), id, failure);
    }

    /** What was buried: id → what operators are to know. */
    public Map<String, String> dead() {
        return redis.<String, String>opsForHash().entries(UNDELIVERED);
    }

    /** Takes a job from those that were buried; false when it is none of them. */
    public boolean unbury(String id) {
        return redis.opsForHash().delete(UNDELIVERED, id) > 0;
    }
}
