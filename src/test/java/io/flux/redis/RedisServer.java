package io.flux.redis;

import io.flux.e2e.Machine;
import io.flux.e2e.TestCertificate;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.Delay;
import io.lettuce.core.sentinel.api.sync.RedisSentinelCommands;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.awaitility.Awaitility;

/**
 * One {@code redis-server} of the machine's, on loopback, in a folder of its own, with a password. It ends with this JVM,
 * whatever way that ends: a shell that waits for the end of a pipe kills it.
 */
final class RedisServer {
    static final String PASSWORD = "a ${word} of p%ss";
    /** Who may do no more than docs/security.md says that Flux needs with several servers. */
    static final String USER = "flux";

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ClientResources RESOURCES = ClientResources.builder()
            .reconnectDelay(Delay.constant(Duration.ofMillis(200)))
            .build();
    /** Prints the server's number, and kills the server when nobody holds the pipe any more. */
    private static final String GUARD = "\"$@\" </dev/null & echo $!; read -r _; kill -9 $!";

    private final Path program = Machine.inPath("redis-server");
    private final Path folder;
    private final int port;
    private final TestCertificate tls;
    private final List<String> configuration;
    private final String password;
    private Process guard;
    private ProcessHandle process;
    private boolean alive;
    private RedisClient client;
    private RedisCommands<String, String> commands;

    /**
     * @param tls null for none
     * @param password what it asks for
     * @param options more lines of its configuration
     */
    RedisServer(Path folder, TestCertificate tls, String password, List<String> options) {
        this.folder = folder;
        this.tls = tls;
        this.password = password;
        this.port = freePort();
        this.configuration = new ArrayList<>(List.of(
                "bind 127.0.0.1",
                "requirepass \"" + password + "\"",
                "save \"\"",
                "repl-diskless-sync-delay 0",
                "dir \"" + folder.toAbsolutePath() + "\"",
                "logfile \"" + log().toAbsolutePath() + "\""));
        if (tls == null) {
            configuration.add("port " + port);
        } else {
            configuration.addAll(List.of(
                    "port 0",
                    "tls-port " + port,
                    "tls-cert-file \"" + tls.certificate() + "\"",
                    "tls-key-file \"" + tls.key() + "\"",
                    "tls-ca-cert-file \"" + tls.certificate() + "\"",
                    "tls-auth-clients no",
                    "tls-replication yes"));
        }
        configuration.addAll(options);
    }

    /** The user, as an operator would copy it from the page. */
    static String user() {
        try {
            return Files.readAllLines(Path.of("docs/security.md")).stream()
                    .filter(line -> line.startsWith("user " + USER + " on >PASSWORD "))
                    .reduce((first, last) -> last)
                    .orElseThrow()
                    .replace(">PASSWORD", "\">" + PASSWORD + "\"");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Below the ports that the kernel gives to connections, with the one of a Cluster's bus, ten thousand above, free. */
    private static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(11_000, 22_000);
            try (ServerSocket own = new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
                    ServerSocket bus = new ServerSocket(port + 10_000, 1, InetAddress.getLoopbackAddress())) {
                return Math.min(own.getLocalPort(), bus.getLocalPort());
            } catch (IOException e) {
                // another one
            }
        }
    }

    /** Starts it, or starts it again, and waits until it says so. What it wrote into its configuration stays. */
    RedisServer start(String ready, String... arguments) {
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve("redis.conf");
            if (!Files.exists(file)) {
                Files.write(file, configuration);
            }
            Files.deleteIfExists(log());
            List<String> command =
                    new ArrayList<>(List.of("sh", "-c", GUARD, "sh", program.toString(), file.toString()));
            command.addAll(List.of(arguments));
            guard = new ProcessBuilder(command)
                    .redirectError(folder.resolve("start.log").toFile())
                    .start();
            BufferedReader out = guard.inputReader(StandardCharsets.US_ASCII);
            process = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
            alive = true;
            Awaitility.await("the server to be ready: " + log())
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .failFast(() -> !process.isAlive())
                    .until(() -> Files.exists(log()) && Files.readString(log()).contains(ready));
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RedisServer start() {
        return start("Ready to accept connections");
    }

    /** As the kernel does when memory is short. Its shell goes with it, since what has ended stays a process until then. */
    void kill() {
        process.destroyForcibly();
        guard.destroyForcibly();
        alive = false;
    }

    boolean isAlive() {
        return alive;
    }

    /** Stops it in the middle of what it does, until {@link #thaw}: its connections stay open and say nothing. */
    void freeze() {
        signal("STOP");
    }

    void thaw() {
        signal("CONT");
    }

    private void signal(String name) {
        try {
            int code = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            if (code != 0) {
                throw new IllegalStateException("kill says " + code);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    int port() {
        return port;
    }

    RedisURI uri() {
        return RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withPassword(password.toCharArray())
                .withSsl(tls != null)
                .build();
    }

    /** A way in of the test's own. */
    synchronized RedisCommands<String, String> commands() {
        if (commands == null) {
            commands = client().connect().sync();
        }
        return commands;
    }

    /** The same, to a Sentinel. */
    RedisSentinelCommands<String, String> sentinel() {
        return client().connectSentinel().sync();
    }

    private synchronized RedisClient client() {
        if (client == null) {
            client = RedisClient.create(RESOURCES, uri());
            client.setOptions(ClientOptions.builder().sslOptions(ssl(tls)).build());
        }
        return client;
    }

    /** Kills it, if it is alive still. */
    void close() {
        if (isAlive()) {
            kill();
        }
        if (client != null) {
            client.shutdown(Duration.ZERO, PATIENCE);
        }
    }

    static ClientResources resources() {
        return RESOURCES;
    }

    /** What a client needs to believe a server with that certificate. */
    static SslOptions ssl(TestCertificate tls) {
        return tls == null
                ? SslOptions.create()
                : SslOptions.builder().trustManager(tls.certificate().toFile()).build();
    }

    private Path log() {
        return folder.resolve("redis.log");
    }
}
