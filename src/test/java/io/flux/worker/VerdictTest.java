package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.FinishReason;
import io.flux.job.AttemptLimits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VerdictTest {
    private static final AttemptLimits ONE = AttemptLimits.of(1);
    private static final AttemptLimits THREE = AttemptLimits.of(3);

    @ParameterizedTest
    @EnumSource
    void anEngineThatFinishedHasMadeAWholeAnswer(FinishReason reason) {
        assertThat(Verdict.of(new EngineEnd(reason, null, 0, 1, 1, ""), 1, 0, ONE))
                .isEqualTo(Verdict.COMPLETE);
        assertThat(Verdict.of(new EngineEnd(reason, null, null, null, null, ""), 99, 9, THREE))
                .isEqualTo(Verdict.COMPLETE);
    }

    @Test
    void aFailureIsTriedAgainUntilNoAttemptIsLeft() {
        EngineEnd end = failure(EngineFailure.ENGINE_FAILED, false, true);
        assertThat(Verdict.of(end, 1, 0, THREE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 2, 1, THREE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 3, 2, THREE)).isEqualTo(Verdict.DEAD);
        assertThat(Verdict.of(end, 4, 3, THREE)).isEqualTo(Verdict.DEAD);
        assertThat(Verdict.of(end, 1, 0, ONE)).isEqualTo(Verdict.DEAD);
    }

    @Test
    void attemptsThatDidNotFailByTheJobsFaultDoNotCountAgainstIt() {
        EngineEnd end = failure(EngineFailure.ENGINE_FAILED, false, true);
        assertThat(Verdict.of(end, 20, 1, THREE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 20, 2, THREE)).isEqualTo(Verdict.DEAD);
    }

    @Test
    void whatAnotherAttemptCannotDoBetterIsDeadAtOnce() {
        assertThat(Verdict.of(failure(EngineFailure.ENGINE_NOT_FOUND, false, false), 1, 0, THREE))
                .isEqualTo(Verdict.DEAD);
    }

    @Test
    void aRequestThatIsToBlameIsRefusedAndNotTriedAgain() {
        assertThat(Verdict.of(failure(EngineFailure.PROMPT_TOO_LONG, true, false), 1, 0, THREE))
                .isEqualTo(Verdict.REFUSED);
    }

    @Test
    void aJobThatIsAnothersIsLost() {
        assertThat(Verdict.of(failure(EngineFailure.LOST, false, false), 1, 0, THREE))
                .isEqualTo(Verdict.LOST);
        assertThat(Verdict.of(failure(EngineFailure.LOST, false, false), 30, 2, THREE))
                .isEqualTo(Verdict.LOST);
    }

    @Test
    void anEngineThatLosesTheEndOfItsOutputGetsMoreAttemptsButNotAnyNumber() {
        EngineEnd end = failure(EngineFailure.OUTPUT_TRUNCATED, false, true);
        assertThat(Verdict.of(end, 3, 2, THREE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 29, 2, THREE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 30, 0, THREE)).isEqualTo(Verdict.DEAD);
    }

    @Test
    void aJobThatItsWorkerHandsOverIsTriedAgainHoweverManyAttemptsItHad() {
        EngineEnd end = failure(EngineFailure.HANDED_OVER, false, true);
        assertThat(Verdict.of(end, 1, 0, ONE)).isEqualTo(Verdict.RETRY);
        assertThat(Verdict.of(end, 300, 2, THREE)).isEqualTo(Verdict.RETRY);
    }

    @Test
    void onlyAFailureThatMayBeTheJobsFaultCountsAgainstIt() {
        assertThat(Verdict.counts(failure(EngineFailure.ENGINE_FAILED, false, true)))
                .isTrue();
        assertThat(Verdict.counts(failure(EngineFailure.ENGINE_STALLED, false, true)))
                .isTrue();
        assertThat(Verdict.counts(failure(EngineFailure.OUTPUT_TRUNCATED, false, true)))
                .isFalse();
        assertThat(Verdict.counts(failure(EngineFailure.HANDED_OVER, false, true)))
                .isFalse();
    }

    private static EngineEnd failure(String code, boolean clientError, boolean retryable) {
        return new EngineEnd(null, new EngineFailure(code, "it broke", clientError, retryable), 1, null, null, "");
    }
}
