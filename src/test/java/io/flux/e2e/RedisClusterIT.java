package io.flux.e2e;

import io.flux.redis.RedisCluster;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Flux on a Redis Cluster of three masters, each with two replicas: one takes its master's place, and one is left. */
class RedisClusterIT extends DistributedRedis {
    private RedisCluster redis;

    @Override
    String name() {
        return "cluster";
    }

    @Override
    void startRedis(Path folder, TestCertificate certificate) {
        redis = RedisCluster.start(folder, 2, certificate);
    }

    @Override
    void stopRedis() {
        if (redis != null) {
            redis.close();
        }
    }

    @Override
    Map<String, String> access() {
        return Map.of("FLUX_REDIS_URL", redis.url());
    }

    @Override
    void failOver(String id) {
        redis.failOver("flux:{" + id + "}:job");
    }

    @Test
    @Order(7)
    void theSubscriptionsOfAGatewaySurviveTheNodeThatTheyWereMadeAt() {
        String channel = "flux:gateway:cluster-gateway";
        try (FluxSocket client = gateway().connect()) {
            client.ask("subscribed", "gate subscribed");
            client.await("subscribed", "token");
            redis.awaitSubscribed(redis.killSubscribed(channel), channel);
            engine().open("subscribed");
            assertAnswer(client, "subscribed", "AB");
        }
    }

    @Override
    boolean isDone(String id) {
        return "done".equals(redis.commands().hget("flux:{" + id + "}:job", "state"));
    }
}
