package io.flux.ledger;

import io.flux.embedded.EmbeddedRedis;
import io.flux.redis.RedisCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.springframework.data.redis.connection.RedisClusterConfiguration;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.lettuce.LettucePoolingClientConfiguration;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/**
 * The real Redis of a test run: one for each JVM, started by the first test that asks and gone with the JVM. Tests share
 * it and stay apart by their names, see {@link #name}.
 */
public final class RedisFixture {
    private static final AtomicInteger NAMES = new AtomicInteger();

    private RedisFixture() {}

    /** Started once, by the class loader. */
    private static final class Running {
        static final EmbeddedRedis SERVER = start();
        static final LettuceConnectionFactory CONNECTIONS = connect();
        static final StringRedisTemplate TEMPLATE = new StringRedisTemplate(CONNECTIONS);

        private static EmbeddedRedis start() {
            try {
                Path target = Files.createDirectories(Path.of("target"));
                EmbeddedRedis server = new EmbeddedRedis(Files.createTempDirectory(target, "redis"));
                server.start();
                return server;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static LettuceConnectionFactory connect() {
            LettuceConnectionFactory connections = new LettuceConnectionFactory(
                    (RedisStandaloneConfiguration) LettuceConnectionFactory.createRedisConfiguration(
                            SERVER.uri().toString()));
            connections.afterPropertiesSet();
            connections.start();
            return connections;
        }
    }

    /** The Cluster of a test run, as the server: one for each JVM, started by the first test that asks. */
    private static final class Clustered {
        static final RedisCluster SERVERS = start();
        static final LettuceConnectionFactory CONNECTIONS = connect(true);
        static final StringRedisTemplate TEMPLATE = new StringRedisTemplate(CONNECTIONS);

        private static RedisCluster start() {
            try {
                Path target = Files.createDirectories(Path.of("target"));
                return RedisCluster.start(Files.createTempDirectory(target, "cluster"), 1, null);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        static LettuceConnectionFactory connect(boolean shared) {
            RedisClusterConfiguration nodes = new RedisClusterConfiguration();
            SERVERS.nodes().forEach(node -> nodes.clusterNode(node.getHost(), node.getPort()));
            nodes.setPassword(RedisCluster.password());
            // Pooled as Flux's are: a new one may try a node that a test has frozen.
            LettuceConnectionFactory connections = new LettuceConnectionFactory(
                    nodes,
                    LettucePoolingClientConfiguration.builder()
                            .commandTimeout(Duration.ofSeconds(5))
                            .build());
            connections.setShareNativeConnection(shared);
            connections.afterPropertiesSet();
            connections.start();
            return connections;
        }
    }

    /** Three masters, each with a replica, for looking into them. */
    static StringRedisTemplate cluster() {
        return Clustered.TEMPLATE;
    }

    /** Connections to it of the caller's own. */
    static LettuceConnectionFactory unsharedCluster() {
        return Clustered.connect(false);
    }

    static RedisCluster clusterServers() {
        return Clustered.SERVERS;
    }

    /** Where it listens, with its password. */
    public static URI uri() {
        return Running.SERVER.uri();
    }

    /** For looking into it. */
    public static StringRedisTemplate redis() {
        return Running.TEMPLATE;
    }

    /** A ledger with times that no test waits for. */
    public static Ledger ledger() {
        return ledger(redis());
    }

    static Ledger ledger(StringRedisTemplate redis) {
        return new Ledger(redis, Duration.ofHours(1), Duration.ofMinutes(1));
    }

    /** How a job of nobody's comes into a line that takes so many. */
    public static Arrival arrival(int limit) {
        return new Arrival("", 2, limit, 0);
    }

    /** A job whose worker holds its lease for so long. */
    public static void running(String id, String model, Duration lease) {
        running(redis(), id, model, lease);
    }

    static void running(StringRedisTemplate redis, String id, String model, Duration lease) {
        redis.opsForZSet().add(Keys.running(model), id, (double) System.currentTimeMillis() + lease.toMillis());
    }

    /** A name that no other test uses, for a job, a model or a channel. */
    public static String name(String kind) {
        return kind + "-" + NAMES.incrementAndGet();
    }

    /** Hears a channel's messages, in order, on one thread, from now on. */
    public static Subscription subscribe(String channel, Consumer<String> listener) {
        return subscribe(redis(), channel, listener);
    }

    static Subscription subscribe(StringRedisTemplate redis, String channel, Consumer<String> listener) {
        return new Subscription(redis.getRequiredConnectionFactory(), channel, listener);
    }

    /** Ends with {@link #close}. */
    public static final class Subscription implements AutoCloseable {
        private final RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        private final ExecutorService thread = Executors.newSingleThreadExecutor();

        private Subscription(RedisConnectionFactory connections, String channel, Consumer<String> listener) {
            container.setConnectionFactory(connections);
            container.setTaskExecutor(thread);
            container.addMessageListener(
                    (message, pattern) -> listener.accept(message.toString()), new ChannelTopic(channel));
            container.afterPropertiesSet();
            container.start(); // returns when the subscription is there
        }

        @Override
        public void close() {
            container.stop();
            try {
                container.destroy();
            } catch (Exception e) {
                throw new IllegalStateException("the subscription cannot be ended", e);
            } finally {
                thread.shutdownNow();
            }
        }
    }
}
