package io.flux.ledger;

import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisAdvancedClusterAsyncCommands;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.internal.Futures;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.data.redis.connection.RedisConnection;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * Runs scripts whose effect must outlive the master that they run at: waits until replicas have it.
 *
 * <p>{@code WAIT} speaks of what its own connection has written, and holds that connection up. So script and {@code WAIT}
 * go over one connection that nobody else uses meanwhile; in a Cluster, over that of the node that has the keys. A node
 * that has them no more refuses the script, and the caller repeats it when the client knows the new one.
 *
 * <p>Thread-safe. Every call blocks for two round trips and for the replicas.
 */
public final class Replicas {
    /** Writes without looking at replicas. */
    static final Replicas NONE = new Replicas(null, 0);

    private static final Logger LOG = LoggerFactory.getLogger(Replicas.class);
    /** How long they may take. Those that live take a millisecond. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    /** The same while they are known to be missing, for steps that go on without them. */
    private static final Duration IMPATIENCE = Duration.ofMillis(20);

    private static final Duration COMMAND = Duration.ofSeconds(5);

    private final LettuceConnectionFactory connections;
    private final int count;
    private volatile boolean missing;

    /**
     * @param connections that are not shared
     * @param count of replicas that must have it; 0 for none, and then {@code connections} is not used
     */
    public Replicas(LettuceConnectionFactory connections, int count) {
        this.connections = connections;
        this.count = count;
    }

    /** Whether writes wait for replicas at all. */
    boolean any() {
        return count > 0;
    }

    /**
     * Runs a script, and waits for the replicas.
     *
     * @param required whether to throw when they do not have it in time; else the caller goes on without
     * @throws ReplicasMissingException when they do not have it. The script has run
     */
    <T> T write(RedisScript<T> script, List<String> keys, boolean required, Object... arguments) {
        byte[][] bytes = keys.stream().map(Replicas::bytes).toArray(byte[][]::new);
        byte[][] more =
                Stream.of(arguments).map(argument -> bytes(argument.toString())).toArray(byte[][]::new);
        RedisConnection connection = connections.getConnection();
        try {
            RedisAsyncCommands<byte[], byte[]> node = node(connection, bytes[0]);
            T answer = answer(script, run(node, script, bytes, more));
            await(node, required);
            return answer;
        } catch (RedisException e) {
            DataAccessException translated = connections.translateExceptionIfPossible(e);
            throw translated == null ? new DataAccessResourceFailureException(e.getMessage(), e) : translated;
        } finally {
            connection.close();
        }
    }

    private void await(RedisAsyncCommands<byte[], byte[]> node, boolean required) {
        Duration patience = missing && !required ? IMPATIENCE : PATIENCE;
        long have = get(node.waitForReplication(count, patience.toMillis()));
        boolean enough = have >= count;
        if (missing == enough) {
            missing = !enough;
            if (enough) {
                LOG.info("replicas of Redis have what is written again");
            } else {
                LOG.warn("{} of {} replicas of Redis have what is written; a failover now could lose it", have, count);
            }
        }
        if (!enough && required) {
            throw new ReplicasMissingException(have, count);
        }
    }

    @SuppressWarnings("unchecked")
    private static RedisAsyncCommands<byte[], byte[]> node(RedisConnection connection, byte[] key) {
        Object commands = connection.getNativeConnection();
        if (commands instanceof RedisAdvancedClusterAsyncCommands<?, ?> cluster) {
            StatefulRedisClusterConnection<byte[], byte[]> nodes =
                    ((RedisAdvancedClusterAsyncCommands<byte[], byte[]>) cluster).getStatefulConnection();
            RedisClusterNode master = nodes.getPartitions().getMasterBySlot(SlotHash.getSlot(key));
            if (master == null) {
                // Through the client's own way, which has it look for the node.
                get(nodes.async().exists(key));
                throw new DataAccessResourceFailureException("no node of the Cluster has the job's slot now");
            }
            return nodes.getConnection(
                            master.getUri().getHost(), master.getUri().getPort())
                    .async();
        }
        return (RedisAsyncCommands<byte[], byte[]>) commands;
    }

    private static Object run(
            RedisAsyncCommands<byte[], byte[]> node, RedisScript<?> script, byte[][] keys, byte[][] arguments) {
        ScriptOutputType type = script.getResultType() == Long.class
                ? ScriptOutputType.INTEGER
                : script.getResultType() == List.class ? ScriptOutputType.MULTI : ScriptOutputType.VALUE;
        try {
            return get(node.evalsha(script.getSha1(), type, keys, arguments));
        } catch (RedisNoScriptException e) {
            return get(node.eval(bytes(script.getScriptAsString()), type, keys, arguments));
        }
    }

    /** Throws what the server or the client says. */
    private static <T> T get(RedisFuture<T> future) {
        return Futures.awaitOrCancel(future, COMMAND.toMillis(), TimeUnit.MILLISECONDS);
    }

    @SuppressWarnings("unchecked")
    private static <T> T answer(RedisScript<T> script, Object answer) {
        return (T) text(answer);
    }

    private static Object text(Object answer) {
        if (answer instanceof byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
        return answer instanceof List<?> list
                ? list.stream().map(Replicas::text).toList()
                : answer;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
