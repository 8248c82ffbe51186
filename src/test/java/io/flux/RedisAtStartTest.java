package io.flux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.flux.e2e.Machine;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;

/** What a start meets at Redis, with real servers. */
@Timeout(90)
@ExtendWith(OutputCaptureExtension.class)
class RedisAtStartTest {
    private static final String NAME = "Redis at there (FLUX_REDIS_URL)";
    private static final String PASSWORD = "s3cret";
    private static final int KEYS = 8000;

    @TempDir
    private Path folder;

    private final List<LettuceConnectionFactory> factories = new ArrayList<>();
    private Process server;
    private int port;

    @BeforeEach
    void choosePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
    }

    private void startServer(String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Machine.inPath("redis-server").toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--requirepass",
                PASSWORD,
                "--appendonly",
                "yes",
                "--dir",
                folder.toString()));
        command.addAll(List.of(options));
        server = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("redis.log").toFile())
                .start();
    }

    @AfterEach
    void stop() throws InterruptedException {
        factories.forEach(LettuceConnectionFactory::destroy);
        if (server != null) {
            server.destroyForcibly().waitFor();
        }
    }

    private RedisAtStart at(String password) {
        RedisStandaloneConfiguration configuration = new RedisStandaloneConfiguration("127.0.0.1", port);
        if (password != null) {
            configuration.setPassword(password);
        }
        LettuceConnectionFactory factory = new LettuceConnectionFactory(configuration);
        factories.add(factory);
        factory.afterPropertiesSet();
        factory.start();
        return new RedisAtStart(new StringRedisTemplate(factory), NAME);
    }

    private RedisClient awaitServer() {
        RedisClient client = RedisClient.create(RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withPassword(PASSWORD.toCharArray())
                .build());
        await().atMost(Duration.ofSeconds(30))
                .ignoreException(RedisConnectionException.class)
                .until(() -> {
                    client.connect().close();
                    return true;
                });
        return client;
    }

    @Test
    void oneThatIsNotThereIsNamedWithTheReason() {
        assertThatThrownBy(at(null)::start).hasMessage(NAME + " cannot be reached: Connection refused");
    }

    @Test
    void oneThatRequiresAPasswordSaysWhichOptionHasIt() throws IOException {
        startServer();
        awaitServer().shutdown();
        assertThatThrownBy(at(null)::start)
                .hasMessage(NAME + " requires a password: set FLUX_REDIS_PASSWORD or FLUX_REDIS_PASSWORD_FILE");
        assertThatThrownBy(at("another word")::start)
                .hasMessageStartingWith(NAME + " does not accept the user and the password: check FLUX_REDIS_USER")
                .hasMessageNotContaining("another word");
        RedisAtStart right = at(PASSWORD);
        right.start();
        assertThat(right.isRunning()).isTrue();
    }

    @Test
    void oneThatReadsItsDataIsWaitedFor(CapturedOutput output) throws Exception {
        startServer();
        RedisClient client = awaitServer();
        RedisAsyncCommands<String, String> commands = client.connect().async();
        for (int i = 1; i < KEYS; i++) {
            var unused = commands.set("key-" + i, "value");
        }
        assertThat(commands.set("key-" + KEYS, "value").get(30, TimeUnit.SECONDS))
                .isEqualTo("OK");
        client.shutdown();
        server.destroy();
        assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        // So slowly that clients are answered several times meanwhile, which is after each thousand commands.
        startServer("--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024");
        await().atMost(Duration.ofSeconds(30))
                .ignoreException(ConnectException.class)
                .until(() -> {
                    new Socket(InetAddress.getLoopbackAddress(), port).close();
                    return true;
                });
        RedisAtStart start = at(PASSWORD);
        start.start();
        assertThat(start.isRunning()).isTrue();
        assertThat(output).containsOnlyOnce("Waiting for " + NAME + ", which is reading its data");
    }
}
