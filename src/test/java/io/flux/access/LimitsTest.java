package io.flux.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.flux.job.Refusal;
import io.flux.ledger.RedisFixture;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A tenant's bucket, in a real Redis. */
@Timeout(60)
class LimitsTest {
    private final String tenant = RedisFixture.name("tenant");
    private final Limits limits = new Limits(RedisFixture.ledger());
    /** Of another gateway. */
    private final Limits elsewhere = new Limits(RedisFixture.ledger());

    @Test
    void aBurstIsTakenAtOnceAndThenOneForEachInterval() {
        Caller caller = caller(0.1, 3);
        for (int i = 0; i < 3; i++) {
            limits.spend(caller, "id");
        }
        assertThat(wait(limits, caller)).isBetween(5_000L, 10_000L);
    }

    @Test
    void itDoesNotMatterThroughWhichGatewayAJobComes() {
        Caller caller = caller(0.1, 2);
        limits.spend(caller, "id");
        elsewhere.spend(caller, "id");
        assertThat(wait(limits, caller)).isPositive();
        assertThat(wait(elsewhere, caller)).isPositive();
    }

    @Test
    void whoComesBackWhenTheRefusalSaidIsLetIn() {
        Caller caller = caller(1, 1);
        limits.spend(caller, "id");
        long since = System.nanoTime();
        long wait = wait(limits, caller);
        assertThat(wait).isBetween(1L, 1000L);
        await().pollInterval(Duration.ofMillis(1))
                .until(() ->
                        System.nanoTime() - since >= Duration.ofMillis(wait + 1).toNanos());
        assertThatCode(() -> limits.spend(caller, "id")).doesNotThrowAnyException();
    }

    @Test
    void aRefusalTakesNothing() {
        Caller caller = caller(0.01, 1);
        limits.spend(caller, "id");
        long first = wait(limits, caller);
        for (int i = 0; i < 20; i++) {
            assertThat(wait(limits, caller)).isLessThanOrEqualTo(first);
        }
    }

    @Test
    void tenantsHaveBucketsOfTheirOwn() {
        limits.spend(caller(0.1, 1), "id");
        Caller other = new Caller(tenant + "-2", Set.of(), 0, new Caller.Rate(0.1, 1), false);
        assertThatCode(() -> limits.spend(other, "id")).doesNotThrowAnyException();
    }

    @Test
    void aBucketThatIsFullLeavesNothingInRedis() {
        limits.spend(caller(100, 5), "id");
        await().until(() -> !RedisFixture.redis().hasKey("flux:{tenant " + tenant + "}:bucket"));
    }

    @Test
    void whoHasNoRateComesAsFastAsTheyLike() {
        for (int i = 0; i < 50; i++) {
            limits.spend(Caller.ANYBODY, "id");
        }
    }

    @Test
    void aBucketThatWasWrittenBeforeRedissClockWasSetBackIsNoMoreThanEmpty() {
        Caller caller = caller(0.1, 3);
        limits.spend(caller, "id");
        String bucket = "flux:{tenant " + tenant + "}:bucket";
        RedisFixture.redis().opsForValue().increment(bucket, Duration.ofHours(1).toNanos() / 1000);
        assertThat(wait(limits, caller)).isBetween(1L, 10_000L);
    }

    @Test
    void theRefusalSaysWhatIsAllowed() {
        Caller caller = caller(0.5, 1);
        limits.spend(caller, "id");
        Refusal refusal = catchThrowableOfType(Refusal.class, () -> limits.spend(caller, "id"));
        assertThat(refusal.event().code()).isEqualTo("rate_limited");
        assertThat(refusal.event().requestId()).isEqualTo("id");
        assertThat(refusal).hasMessage("your key allows 0.5 jobs a second and 1 at once");
    }

    private static long wait(Limits limits, Caller caller) {
        return catchThrowableOfType(Refusal.class, () -> limits.spend(caller, "id"))
                .event()
                .retryAfterMs();
    }

    private Caller caller(double perSecond, int burst) {
        return new Caller(tenant, Set.of(), 0, new Caller.Rate(perSecond, burst), false);
    }
}
