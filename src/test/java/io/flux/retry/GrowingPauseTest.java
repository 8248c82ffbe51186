package io.flux.retry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class GrowingPauseTest {
    private final GrowingPause pause = new GrowingPause(Duration.ofMillis(500), Duration.ofMinutes(1));

    @Test
    void eachFailureDoublesIt() {
        assertThat(pause.after(0)).isEqualTo(Duration.ofMillis(500));
        assertThat(pause.after(1)).isEqualTo(Duration.ofSeconds(1));
        assertThat(pause.after(6)).isEqualTo(Duration.ofSeconds(32));
    }

    @Test
    void itIsNeverLongerThanTheLongest() {
        for (int failures : new int[] {7, 16, 63, 64, 1000, Integer.MAX_VALUE}) {
            assertThat(pause.after(failures)).isEqualTo(Duration.ofMinutes(1));
        }
    }

    @Test
    void zeroIsNeverToWait() {
        assertThat(new GrowingPause(Duration.ZERO, Duration.ofMinutes(1)).after(20))
                .isZero();
    }
}
