package io.flux.ledger;

import org.springframework.data.redis.core.StringRedisTemplate;

/** {@link TurnsTest}, against a Redis Cluster: no step touches two slots. */
class TurnsOnClusterTest extends TurnsTest {
    @Override
    StringRedisTemplate server() {
        return RedisFixture.cluster();
    }
}
