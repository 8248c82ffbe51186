package io.flux.e2e;

import io.flux.embedded.EmbeddedRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import java.nio.file.Path;
import java.util.List;

/** One real Redis server for all tests of this JVM. It ends with the JVM, whatever way that ends. */
final class TestRedis {
    private static TestRedis instance;

    private final EmbeddedRedis server = new EmbeddedRedis(
            Path.of("target", "e2e", "redis-" + ProcessHandle.current().pid()));
    private final RedisCommands<String, String> commands;

    private TestRedis() {
        server.start();
        commands = RedisClient.create(RedisURI.create(server.uri())).connect().sync();
    }

    /** The server, with nothing in it. */
    static synchronized TestRedis empty() {
        if (instance == null) {
            instance = new TestRedis();
        }
        List<String> keys = instance.commands.keys("*");
        if (!keys.isEmpty()) {
            instance.commands.unlink(keys.toArray(String[]::new));
        }
        return instance;
    }

    /** The server as it is. */
    static synchronized TestRedis running() {
        return instance == null ? empty() : instance;
    }

    /** For {@code FLUX_REDIS_URL}. */
    String url() {
        return server.uri().toString();
    }

    /** Redis' own time, in ms. */
    long serverTime() {
        List<String> time = commands.time();
        return Long.parseLong(time.get(0)) * 1000 + Long.parseLong(time.get(1)) / 1000;
    }

    /** Of the server. */
    long pid() {
        return Long.parseLong(commands.info("server").replaceAll("(?s).*process_id:(\\d+).*", "$1"));
    }

    RedisCommands<String, String> commands() {
        return commands;
    }
}
