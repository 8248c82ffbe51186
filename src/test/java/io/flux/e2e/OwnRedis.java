package io.flux.e2e;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** A {@code redis-server} of the machine's for one test alone, which may freeze it, fill it or set its clock. */
final class OwnRedis implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final Process process;
    private final RedisClient client;
    private final RedisCommands<String, String> commands;
    private final String url;

    /**
     * Starts it, and waits until it answers.
     *
     * @param folder of its own, for its log
     * @param environment more of the server's environment
     */
    OwnRedis(Path folder, Map<String, String> environment) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        ProcessBuilder server = new ProcessBuilder(
                        Machine.inPath("redis-server").toString(),
                        "--port",
                        Integer.toString(port),
                        "--bind",
                        "127.0.0.1",
                        "--save",
                        "",
                        "--dir",
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("redis.log").toFile());
        server.environment().putAll(environment);
        process = server.start();
        url = "redis://127.0.0.1:" + port;
        client = RedisClient.create(url);
        commands = await().atMost(TIMEOUT)
                .ignoreException(RedisConnectionException.class)
                .until(() -> client.connect().sync(), connected -> connected != null);
    }

    /** For {@code FLUX_REDIS_URL}. */
    String url() {
        return url;
    }

    long pid() {
        return process.pid();
    }

    RedisCommands<String, String> commands() {
        return commands;
    }

    @Override
    public void close() {
        client.shutdown();
        process.destroyForcibly();
    }
}
