package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who is given time when nobody has looked for a while, and who needs none. */
class ReapTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final int COUNT = 10;

    private final Ledger ledger = RedisFixture.ledger();
    private final String model = RedisFixture.name("model");

    private Stuck reap(Duration pause) {
        return ledger.reap(model, MINUTE, MINUTE, pause, COUNT);
    }

    /** A job that runs. */
    private String leased(Duration lease) {
        String id = RedisFixture.name("job");
        RedisFixture.running(id, model, lease);
        return id;
    }

    private long leaseLeft(String id) {
        return RedisFixture.redis().opsForZSet().score(Keys.running(model), id).longValue()
                - System.currentTimeMillis();
    }

    @Test
    void aRetryIsFoundWhenItsTimeHasComeThoughNobodyLookedUntilAMomentAgo() {
        reap(MINUTE);
        String id = leased(MINUTE);

        ledger.requeue(id, model, Duration.ofMillis(1));

        await().untilAsserted(() -> assertThat(reap(MINUTE).expired()).containsExactly(id));
    }

    @Test
    void leasesAndFollowersOfATimeInWhichNobodyLookedBeginOnceMore() {
        String id = leased(Duration.ofMillis(1));
        ledger.attend(model, Duration.ofMillis(1), List.of(id));
        await().until(() -> leaseLeft(id) < 0);

        Stuck stuck = reap(Duration.ZERO);

        assertThat(stuck.expired()).isEmpty();
        assertThat(stuck.abandoned()).isEmpty();
        assertThat(leaseLeft(id)).isPositive();
    }
}
