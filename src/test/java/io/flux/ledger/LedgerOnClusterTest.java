package io.flux.ledger;

import org.springframework.data.redis.core.StringRedisTemplate;

/** {@link LedgerTest}, against a Redis Cluster: no step touches two slots. */
class LedgerOnClusterTest extends LedgerTest {
    @Override
    StringRedisTemplate server() {
        return RedisFixture.cluster();
    }
}
