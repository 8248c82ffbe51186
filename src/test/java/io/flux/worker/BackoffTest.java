package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.ledger.Started;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private final Backoff backoff = new Backoff(Duration.ofMillis(500));

    @Test
    void eachFailureDoublesTheTimeUntilTheNextAttempt() {
        assertThat(backoff.after(0)).isEqualTo(Duration.ofMillis(500));
        assertThat(backoff.after(1)).isEqualTo(Duration.ofSeconds(1));
        assertThat(backoff.after(2)).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void noJobWaitsLongerThanAMinuteHoweverOftenItFailed() {
        assertThat(backoff.after(6)).isEqualTo(Duration.ofSeconds(32));
        for (int failures : new int[] {7, 16, 63, 64, 1000, Integer.MAX_VALUE}) {
            assertThat(backoff.after(failures)).isEqualTo(Duration.ofMinutes(1));
        }
    }

    @Test
    void zeroIsNeverToWait() {
        assertThat(new Backoff(Duration.ZERO).after(0)).isZero();
        assertThat(new Backoff(Duration.ZERO).after(20)).isZero();
    }

    @Test
    void earlierFailuresCountAndEarlierAttemptsDoNot() {
        assertThat(backoff.delay(attempt(9, 2), failed(EngineFailure.ENGINE_FAILED)))
                .isEqualTo(Duration.ofSeconds(2));
        assertThat(backoff.delay(attempt(1, 0), failed(EngineFailure.ENGINE_STALLED)))
                .isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void whatIsNoSignOfTroubleIsTriedAgainAtOnce() {
        assertThat(backoff.delay(attempt(9, 2), failed(EngineFailure.OUTPUT_TRUNCATED)))
                .isZero();
        assertThat(backoff.delay(attempt(1, 0), failed(EngineFailure.HANDED_OVER)))
                .isZero();
    }

    private static Attempt attempt(int number, int failures) {
        return new Attempt(
                new Started("job", number, 5, "{}", 1, 1, failures, null, 0, null),
                null,
                null,
                Past.NONE,
                true,
                new Stopwatch(0));
    }

    private static EngineEnd failed(String code) {
        return new EngineEnd(null, new EngineFailure(code, "it broke", false, true), 1, null, null, "");
    }
}
