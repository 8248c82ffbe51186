package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttemptLimitsTest {
    @Test
    void thereAreTenAttemptsForEachThatMayFail() {
        assertThat(AttemptLimits.of(1)).isEqualTo(new AttemptLimits(1, 10));
        assertThat(AttemptLimits.of(3)).isEqualTo(new AttemptLimits(3, 30));
    }
}
