package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class EngineEndTest {
    @Test
    void anEndHasAReasonOrAFailureAndNotBoth() {
        assertThatIllegalArgumentException().isThrownBy(() -> new EngineEnd(null, null, 0, null, null, ""));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EngineEnd(FinishReason.STOP, EngineFailure.lost(), 0, null, null, ""));
    }

    @Test
    void anAnswerThatNoEngineWasAskedForHasAReasonAndNoCounts() {
        assertThat(EngineEnd.unasked(FinishReason.DEADLINE))
                .isEqualTo(new EngineEnd(FinishReason.DEADLINE, null, null, null, null, ""));
    }

    @Test
    void theStderrTailIsTheEndAndNeverBeginsWithHalfACharacter() {
        String tail = EngineEnd.finished(FinishReason.STOP, 0, "🌙".repeat(3000) + "x")
                .stderrTail();
        assertThat(tail).hasSize(4095).startsWith("🌙").endsWith("🌙x");
    }

    @Test
    void finishReasonsHaveTheNamesOfTheWire() {
        assertThat(Arrays.stream(FinishReason.values()).map(FinishReason::wireName))
                .containsExactly("stop", "length", "cancelled", "deadline");
    }
}
