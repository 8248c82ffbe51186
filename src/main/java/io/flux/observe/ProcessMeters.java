package io.flux.observe;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.TimeUnit;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.StringRedisTemplate;

/** What is measured of each process as such: what it is, and whether it reaches Redis. Thread-safe. */
public final class ProcessMeters {
    /** The gauges of one scrape share one ping. */
    private static final long FRESH_NANOS = 500_000_000;

    private static final double NEVER = Double.NaN;

    private final StringRedisTemplate redis;
    private long pingedNanos;
    private double seconds = NEVER;
    private boolean pinged;

    /**
     * Registers the meters.
     *
     * @param version the build's; null when it is not known
     * @param bundles what the process runs
     */
    public ProcessMeters(MeterRegistry registry, StringRedisTemplate redis, String version, String bundles) {
        this.redis = redis;
        Gauge.builder("flux.build.info", () -> 1)
                .description("Always 1; its labels say what runs here")
                .tag("version", version == null ? "unknown" : version)
                .tag("java", System.getProperty("java.version"))
                .tag("bundles", bundles)
                .register(registry);
        Gauge.builder("flux.redis.up", () -> Double.isNaN(ping()) ? 0 : 1)
                .description("1 when Redis answers this process, else 0")
                .register(registry);
        Gauge.builder("flux.redis.ping", this::ping)
                .description("Round trip of one PING, made for this scrape")
                .baseUnit("seconds")
                .register(registry);
    }

    private synchronized double ping() {
        long now = System.nanoTime();
        if (!pinged || now - pingedNanos > FRESH_NANOS) {
            try {
                redis.execute((RedisCallback<String>) connection -> connection.ping());
                seconds = (System.nanoTime() - now) / (double) TimeUnit.SECONDS.toNanos(1);
            } catch (DataAccessException e) {
                seconds = NEVER;
            }
            pingedNanos = System.nanoTime();
            pinged = true;
        }
        return seconds;
    }
}
