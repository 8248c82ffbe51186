package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class EngineJobTest {
    @Test
    void whatNoEngineCanDoIsNotAsked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EngineJob(FakeEngines.job().request(), 0, Transcript.EMPTY, null))
                .withMessage("attempt must be at least 1, not 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Completion("", 1))
                .withMessage("prompt must not be empty");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Completion("p", 0))
                .withMessage("maxTokens must be at least 1, not 0");
    }

    @Test
    void aLogLineWithAJobDoesNotShowThePrompt() {
        assertThat(FakeEngines.job())
                .hasToString("EngineJob[requestId=request-1, attempt=1, model=default, soFar=0 chars]");
        assertThat(new Completion("Write me a poem", 128)).hasToString("Completion[prompt=15 chars, maxTokens=128]");
    }
}
