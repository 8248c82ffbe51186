package io.flux.redis;

import io.flux.e2e.TestCertificate;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import io.lettuce.core.cluster.models.partitions.ClusterPartitionParser;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** A Redis Cluster of three masters on this machine, each with as many replicas as are asked for. Ends with this JVM. */
public final class RedisCluster implements AutoCloseable {
    private static final int MASTERS = 3;
    /** After which a node counts as dead. Long enough for a machine that is busy with other things. */
    private static final String NODE_TIMEOUT_MS = "2000";

    private final TestCertificate tls;
    private final List<RedisServer> servers = new ArrayList<>();
    private final RedisClusterClient client;
    private final RedisClusterCommands<String, String> commands;

    private RedisCluster(Path folder, int replicas, TestCertificate tls) {
        this.tls = tls;
        List<String> options = new ArrayList<>(List.of(
                "cluster-enabled yes",
                "cluster-node-timeout " + NODE_TIMEOUT_MS,
                "cluster-replica-validity-factor 0",
                "cluster-allow-replica-migration no",
                "masterauth \"" + RedisServer.PASSWORD + "\"",
                RedisServer.user()));
        if (tls != null) {
            options.add("tls-cluster yes");
        }
        for (int i = 0; i < MASTERS * (1 + replicas); i++) {
            servers.add(new RedisServer(folder.resolve("node-" + i), tls, RedisServer.PASSWORD, options).start());
        }
        join();
        client = RedisClusterClient.create(
                RedisServer.resources(), servers.stream().map(RedisServer::uri).toList());
        client.setOptions(ClusterClientOptions.builder()
                .sslOptions(RedisServer.ssl(tls))
                .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                        .enablePeriodicRefresh(Duration.ofSeconds(1))
                        .enableAllAdaptiveRefreshTriggers()
                        .adaptiveRefreshTriggersTimeout(Duration.ofMillis(200))
                        .refreshTriggersReconnectAttempts(1)
                        .build())
                // What is on its way to a node that is dead goes to its successor, and does not wait for its return.
                .nodeFilter(node -> !node.is(RedisClusterNode.NodeFlag.FAIL))
                .build());
        commands = client.connect().sync();
    }

    /**
     * Starts one.
     *
     * @param replicas of each master
     * @param tls null for none
     */
    public static RedisCluster start(Path folder, int replicas, TestCertificate tls) {
        return new RedisCluster(folder, replicas, tls);
    }

    private void join() {
        List<RedisCommands<String, String>> nodes =
                servers.stream().map(RedisServer::commands).toList();
        List<String> ids = nodes.stream()
                .map(RedisCommands::clusterMyId)
                .map(String::strip)
                .toList();
        int share = SlotHash.SLOT_COUNT / MASTERS + 1;
        for (int i = 0; i < nodes.size(); i++) {
            RedisCommands<String, String> node = nodes.get(i);
            node.clusterSetConfigEpoch(i + 1L);
            if (i > 0) {
                node.clusterMeet("127.0.0.1", servers.get(0).port());
            }
            if (i < MASTERS) {
                int end = Math.min((i + 1) * share, SlotHash.SLOT_COUNT);
                int[] slots = IntStream.range(i * share, end).toArray();
                node.clusterAddSlots(slots);
            }
        }
        awaiting("all nodes know each other").until(() -> nodes.stream()
                .allMatch(node -> ids.stream().allMatch(node.clusterNodes()::contains)
                        && !node.clusterNodes().contains("handshake")));
        for (int i = MASTERS; i < nodes.size(); i++) {
            nodes.get(i).clusterReplicate(ids.get(i % MASTERS));
        }
        awaiting("the Cluster to be whole").until(() -> nodes.stream()
                .allMatch(node -> node.clusterInfo().contains("cluster_state:ok")
                        && occurrences(node.clusterNodes(), "slave") == nodes.size() - MASTERS));
        awaiting("all replicas to be up to date")
                .until(() -> nodes.stream().skip(MASTERS).allMatch(node -> node.info("replication")
                        .contains("master_link_status:up")));
    }

    private static int occurrences(String text, String word) {
        return text.split(word, -1).length - 1;
    }

    static ConditionFactory awaiting(String what) {
        return Awaitility.await(what)
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(50))
                .ignoreExceptions();
    }

    /** For {@code FLUX_REDIS_URL}: two of the nodes. */
    public String url() {
        return (tls == null ? "redis" : "rediss") + "-cluster://"
                + servers.stream()
                        .limit(2)
                        .map(server -> "127.0.0.1:" + server.port())
                        .collect(Collectors.joining(","));
    }

    /** The addresses of all nodes. */
    public List<RedisURI> nodes() {
        return servers.stream().map(RedisServer::uri).toList();
    }

    /** What all servers ask for that are no Sentinels. */
    public static String password() {
        return RedisServer.PASSWORD;
    }

    /** Who may do what Flux needs. */
    public static String user() {
        return RedisServer.USER;
    }

    public RedisClusterCommands<String, String> commands() {
        return commands;
    }

    /** Kills the master that has a key, and waits until one of its replicas has taken its place. */
    public void failOver(String key) {
        awaitFailover(killMaster(key), key);
    }

    /** Kills the master that has a key; returns its port. */
    public int killMaster(String key) {
        int port = masterOf(key);
        server(port).kill();
        return port;
    }

    /** Kills the node at which a channel is subscribed to, whichever part it has; returns its port. */
    public int killSubscribed(String channel) {
        RedisServer server = subscribed(channel);
        server.kill();
        return server.port();
    }

    /** Waits until a channel is subscribed to at another node than the one at that port. */
    public void awaitSubscribed(int before, String channel) {
        awaiting("somebody to subscribe to " + channel)
                .until(() -> subscribed(channel).port() != before);
    }

    private RedisServer subscribed(String channel) {
        return servers.stream()
                .filter(RedisServer::isAlive)
                .filter(server -> server.commands().pubsubChannels(channel).contains(channel))
                .findFirst()
                .orElseThrow();
    }

    /** Waits until another node than the one at that port has the key's slot. */
    public void awaitFailover(int before, String key) {
        awaiting("a replica to take the place of the master at " + before)
                .until(() -> masterOf(key) != before
                        && server(masterOf(key)).commands().exists(key) >= 0);
    }

    /** Starts the server again that listened at a port; it becomes a replica. */
    public void restart(int port) {
        server(port).start();
    }

    /** The port of the master that has a key's slot, as the first living node sees it. */
    public int masterOf(String key) {
        int slot = SlotHash.getSlot(key);
        RedisServer alive =
                servers.stream().filter(RedisServer::isAlive).findFirst().orElseThrow();
        return ClusterPartitionParser.parse(alive.commands().clusterNodes()).stream()
                .filter(node -> node.is(RedisClusterNode.NodeFlag.UPSTREAM) && node.hasSlot(slot))
                .findFirst()
                .orElseThrow()
                .getUri()
                .getPort();
    }

    /** Stops all servers that began as replicas in the middle of what they do, until {@link #thawReplicas}. */
    public void freezeReplicas() {
        servers.stream().skip(MASTERS).forEach(RedisServer::freeze);
    }

    /** Lets them go on. */
    public void thawReplicas() {
        servers.stream().skip(MASTERS).forEach(RedisServer::thaw);
    }

    private RedisServer server(int port) {
        return servers.stream()
                .filter(server -> server.port() == port)
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        client.shutdown();
        servers.forEach(RedisServer::close);
    }
}
