package io.flux.redis;

import io.flux.e2e.TestCertificate;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.sentinel.api.sync.RedisSentinelCommands;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A master, its replicas and three Sentinels on this machine. Ends with this JVM. */
public final class RedisSentinels implements AutoCloseable {
    private static final String NAME = "flux-test";
    private static final String SENTINEL_PASSWORD = "another word";
    private static final int SENTINELS = 3;
    /** After which a server counts as dead. */
    private static final String DOWN_AFTER_MS = "1500";

    private final TestCertificate tls;
    private final List<RedisServer> servers = new ArrayList<>();
    private final List<RedisServer> sentinels = new ArrayList<>();
    private final RedisSentinelCommands<String, String> sentinel;

    private RedisSentinels(Path folder, int replicas, TestCertificate tls) {
        this.tls = tls;
        for (int i = 0; i <= replicas; i++) {
            List<String> options =
                    new ArrayList<>(List.of("masterauth \"" + RedisServer.PASSWORD + "\"", RedisServer.user()));
            if (i > 0) {
                options.add("replicaof 127.0.0.1 " + servers.get(0).port());
            }
            servers.add(new RedisServer(folder.resolve("server-" + i), tls, RedisServer.PASSWORD, options).start());
        }
        for (int i = 0; i < SENTINELS; i++) {
            sentinels.add(new RedisServer(
                            folder.resolve("sentinel-" + i),
                            tls,
                            SENTINEL_PASSWORD,
                            List.of(
                                    "sentinel monitor " + NAME + " 127.0.0.1 "
                                            + servers.get(0).port() + " 2",
                                    "sentinel auth-pass " + NAME + " \"" + RedisServer.PASSWORD + "\"",
                                    "sentinel down-after-milliseconds " + NAME + " " + DOWN_AFTER_MS,
                                    "sentinel failover-timeout " + NAME + " 5000"))
                    .start("Sentinel ID is", "--sentinel"));
        }
        sentinel = sentinels.get(0).sentinel();
        RedisCluster.awaiting("the Sentinels to know each other and the replicas")
                .until(() -> sentinels.stream().allMatch(each -> knowsAll(each, replicas)));
    }

    /**
     * Starts them.
     *
     * @param tls null for none
     */
    public static RedisSentinels start(Path folder, int replicas, TestCertificate tls) {
        return new RedisSentinels(folder, replicas, tls);
    }

    private static boolean knowsAll(RedisServer server, int replicas) {
        Map<String, String> master = server.sentinel().master(NAME);
        return master.get("num-other-sentinels").equals(Integer.toString(SENTINELS - 1))
                && master.get("num-slaves").equals(Integer.toString(replicas));
    }

    /** For {@code FLUX_REDIS_URL}. */
    public String url() {
        return (tls == null ? "redis" : "rediss") + "-sentinel://"
                + sentinels.stream().map(server -> "127.0.0.1:" + server.port()).collect(Collectors.joining(","))
                + "/0#" + NAME;
    }

    /** What its Sentinels ask for. */
    public static String sentinelPassword() {
        return SENTINEL_PASSWORD;
    }

    /** The master that there is now. */
    public RedisCommands<String, String> commands() {
        return server(masterPort()).commands();
    }

    /** Kills the master; returns its port. */
    public int killMaster() {
        int port = masterPort();
        server(port).kill();
        return port;
    }

    /** Stops the master in the middle of what it does: nobody answers, and no connection ends. Returns its port. */
    public int freezeMaster() {
        int port = masterPort();
        server(port).freeze();
        return port;
    }

    /** Lets a master that was frozen go on. */
    public void thaw(int port) {
        server(port).thaw();
    }

    /** Waits until the Sentinels say that the master is another one than that at a port. */
    public void awaitFailover(int before) {
        RedisCluster.awaiting("a replica to take the place of the master at " + before)
                .until(() -> masterPort() != before);
    }

    /** Starts the server again that listened at a port; the Sentinels make it a replica. */
    public void restart(int port) {
        server(port).start();
    }

    private int masterPort() {
        return ((InetSocketAddress) sentinel.getMasterAddrByName(NAME)).getPort();
    }

    private RedisServer server(int port) {
        return servers.stream()
                .filter(server -> server.port() == port)
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        sentinels.forEach(RedisServer::close);
        servers.forEach(RedisServer::close);
    }
}
