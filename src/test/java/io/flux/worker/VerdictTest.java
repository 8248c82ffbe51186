package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.FinishReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VerdictTest {

    @ParameterizedTest
    @EnumSource
    void anEngineThatFinishedHasMadeAWholeAnswer(FinishReason reason) {
        assertThat(Verdict.of(new EngineEnd(reason, null, 0, 1, 1, ""), 1, 1)).isEqualTo(Verdict.COMPLETE);
        assertThat(Verdict.of(new EngineEnd(reason, null, null, null, null, ""), 9, 3))
                .isEqualTo(Verdict.COMPLETE);
    }

    @Test
    void aFailureIsTriedAgainUntilNoAttemptIsLeft() {
        EngineEnd end = failure(EngineFailure.ENGINE_FAILED, false, true);
        assertThat(Verdict.of(end, 1, 3)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 2, 3)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 3, 3)).isEqualTo(Verdict.DEAD);
        assertThat(Verdict.of(end, 4, 3)).isEqualTo(Verdict.DEAD);
        assertThat(Verdict.of(end, 1, 1)).isEqualTo(Verdict.DEAD);
    }

    @Test
    void whatAnotherAttemptCannotDoBetterIsDeadAtOnce() {
        assertThat(Verdict.of(failure(EngineFailure.ENGINE_NOT_FOUND, false, false), 1, 3))
                .isEqualTo(Verdict.DEAD);
    }

    @Test
    void aRequestThatIsToBlameIsRefusedAndNotTriedAgain() {
        assertThat(Verdict.of(failure(EngineFailure.PROMPT_TOO_LONG, true, false), 1, 3))
                .isEqualTo(Verdict.REFUSED);
    }

    @Test
    void aJobThatIsAnothersIsLost() {
        assertThat(Verdict.of(failure(EngineFailure.LOST, false, false), 1, 3)).isEqualTo(Verdict.LOST);
        assertThat(Verdict.of(failure(EngineFailure.LOST, false, false), 3, 3)).isEqualTo(Verdict.LOST);
    }

    @Test
    void anEngineThatLosesTheEndOfItsOutputGetsMoreAttemptsButNotAnyNumber() {
        EngineEnd end = failure(EngineFailure.OUTPUT_TRUNCATED, false, true);
        assertThat(Verdict.of(end, 3, 3)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 29, 3)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 30, 3)).isEqualTo(Verdict.DEAD);
    }

    private static EngineEnd failure(String code, boolean clientError, boolean retryable) {
        return new EngineEnd(null, new EngineFailure(code, "it broke", clientError, retryable), 1, null, null, "");
    }
}
