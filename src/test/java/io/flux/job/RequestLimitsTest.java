package io.flux.job;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RequestLimitsTest {

    @Test
    void limitsThatCannotHoldNameTheSettingToChange() {
        assertThatThrownBy(() -> new RequestLimits(1, 0)).hasMessage("flux.max-tokens-limit must be at least 1, not 0");
        assertThatThrownBy(() -> new RequestLimits(0, 1))
                .hasMessage("flux.max-tokens-default must be between 1 and flux.max-tokens-limit (1), not 0");
        assertThatThrownBy(() -> new RequestLimits(9, 8))
                .hasMessage("flux.max-tokens-default must be between 1 and flux.max-tokens-limit (8), not 9");
        assertThatCode(() -> new RequestLimits(8, 8)).doesNotThrowAnyException();
    }
}
