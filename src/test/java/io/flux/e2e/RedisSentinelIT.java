package io.flux.e2e;

import io.flux.redis.RedisSentinels;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Flux on a master with two replicas and three Sentinels: one takes the master's place, and one is left. */
class RedisSentinelIT extends DistributedRedis {
    private RedisSentinels redis;

    @Override
    String name() {
        return "sentinel";
    }

    @Override
    void startRedis(Path folder, TestCertificate certificate) {
        redis = RedisSentinels.start(folder, 2, certificate);
    }

    @Override
    void stopRedis() {
        if (redis != null) {
            redis.close();
        }
    }

    @Override
    Map<String, String> access() {
        return Map.of("FLUX_REDIS_URL", redis.url(), "FLUX_REDIS_SENTINEL_PASSWORD", RedisSentinels.sentinelPassword());
    }

    @Override
    void failOver(String id) {
        redis.awaitFailover(redis.killMaster());
    }

    @Test
    @Order(7)
    void aMasterThatIsFrozenIsLeftForItsSuccessorThoughNoConnectionHasEnded() {
        int frozen = 0;
        try (FluxSocket client = gateway().connect()) {
            client.ask("frozen", "gate frozen");
            client.await("frozen", "token");
            frozen = redis.freezeMaster();
            redis.awaitFailover(frozen);
            engine().open("frozen");
            assertAnswer(client, "frozen", "AB");
        } finally {
            redis.thaw(frozen);
        }
    }

    @Override
    boolean isDone(String id) {
        return "done".equals(redis.commands().hget("flux:{" + id + "}:job", "state"));
    }
}
