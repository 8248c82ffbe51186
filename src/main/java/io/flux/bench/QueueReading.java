package io.flux.bench;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The triggers' values, read as KEDA's redis scaler reads them: the length of a key, whatever its type. */
final class QueueReading implements AutoCloseable {
    private final List<ScaledObject.Trigger> triggers;
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;

    QueueReading(URI redis, List<ScaledObject.Trigger> triggers) {
        this.triggers = triggers;
        this.client = RedisClient.create(redis.toString());
        this.connection = client.connect();
    }

    /** By the triggers' names. Blocks for as long as Redis takes. */
    Map<String, Long> values() throws InterruptedException {
        try {
            Map<String, Long> values = new HashMap<>();
            triggers.forEach(trigger -> values.put(trigger.name(), length(trigger.key())));
            return values;
        } catch (RedisCommandInterruptedException e) {
            Thread.interrupted();
            throw (InterruptedException) new InterruptedException().initCause(e);
        }
    }

    private long length(String key) {
        RedisCommands<String, String> redis = connection.sync();
        String type = redis.type(key);
        return switch (type) {
            case "none" -> 0; // by the next command it may be there, and of another type than a list
            case "list" -> redis.llen(key);
            case "zset" -> redis.zcard(key);
            case "set" -> redis.scard(key);
            case "hash" -> redis.hlen(key);
            default -> throw new IllegalStateException("KEDA knows no length of " + key + ", a " + type);
        };
    }

    @Override
    public void close() {
        connection.close();
        client.shutdown();
    }
}
