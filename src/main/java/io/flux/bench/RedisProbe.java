package io.flux.bench;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.net.URI;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a Redis says of itself. Blocks for as long as Redis takes. */
final class RedisProbe implements AutoCloseable {
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;

    RedisProbe(URI redis) {
        this.client = RedisClient.create(redis.toString());
        this.connection = client.connect();
    }

    /** The CPU time that its process has used. */
    Duration cpu() {
        return Duration.ofNanos((long) (1e9 * (number("used_cpu_sys") + number("used_cpu_user"))));
    }

    /** Connections, this one left out. */
    int connections() {
        return (int) number("connected_clients") - 1;
    }

    /** Bytes that it has allocated for data and clients. */
    long memory() {
        return (long) number("used_memory");
    }

    private double number(String field) {
        Matcher matcher = Pattern.compile("(?m)^" + field + ":([0-9.]+)")
                .matcher(connection.sync().info());
        if (!matcher.find()) {
            throw new IllegalStateException("Redis does not tell " + field);
        }
        return Double.parseDouble(matcher.group(1));
    }

    @Override
    public void close() {
        connection.close();
        client.shutdown();
    }
}
