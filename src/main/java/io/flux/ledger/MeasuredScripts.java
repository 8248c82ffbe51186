package io.flux.ledger;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * Redis for a {@link Ledger} whose scripts are timed, each under its verb: the whole round trip, as its caller sees it.
 * Thread-safe.
 */
public final class MeasuredScripts extends StringRedisTemplate {
    /** On the way of each chunk of text, where a measurement costs a quarter of a microsecond: one in so many is timed. */
    private static final String FREQUENT = "append";

    private static final int SAMPLE = 16;

    private final MeterRegistry registry;
    private final Counter failures;
    private final Map<String, Timer> timers = new ConcurrentHashMap<>();

    @SuppressWarnings("this-escape")
    public MeasuredScripts(RedisConnectionFactory connections, MeterRegistry registry) {
        super(connections);
        this.registry = registry;
        this.failures = Counter.builder("flux.redis.script.failures")
                .description("Scripts that Redis did not answer, or refused")
                .register(registry);
    }

    @Override
    public <T> T execute(RedisScript<T> script, List<String> keys, Object... args) {
        String verb = script instanceof NamedScript<T> named ? named.verb() : null;
        boolean timed = verb != null
                && (!verb.equals(FREQUENT) || ThreadLocalRandom.current().nextInt(SAMPLE) == 0);
        long begin = timed ? System.nanoTime() : 0;
        try {
            T answer = super.execute(script, keys, args);
            if (timed) {
                timer(verb).record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
            }
            return answer;
        } catch (DataAccessException e) {
            failures.increment();
            throw e;
        }
    }

    private Timer timer(String verb) {
        Timer known = timers.get(verb);
        return known != null
                ? known
                : timers.computeIfAbsent(verb, name -> Timer.builder("flux.redis.script")
                        .description("Round trips of scripts that Redis has answered")
                        .tag("script", name)
                        .register(registry));
    }
}
