package io.flux.ledger;

import org.springframework.data.redis.core.StringRedisTemplate;

/** {@link LedgerRecoveryTest}, against a Redis Cluster: no step touches two slots. */
class LedgerRecoveryOnClusterTest extends LedgerRecoveryTest {
    @Override
    StringRedisTemplate server() {
        return RedisFixture.cluster();
    }
}
