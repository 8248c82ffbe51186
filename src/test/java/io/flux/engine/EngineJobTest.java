package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class EngineJobTest {
    @Test
    void aJobThatNoEngineCanRunIsNotMade() {
        refuses("requestId must not be empty", "", 1, "p", 1, null, null, List.of());
        refuses("attempt must be at least 1, not 0", "r", 0, "p", 1, null, null, List.of());
        refuses("prompt must not be empty", "r", 1, "", 1, null, null, List.of());
        refuses("maxTokens must be at least 1, not 0", "r", 1, "p", 0, null, null, List.of());
        refuses("temperature must not be negative: -0.1", "r", 1, "p", 1, -0.1, null, List.of());
        refuses("topP must be between 0 and 1, not 1.1", "r", 1, "p", 1, null, 1.1, List.of());
        refuses("topP must be between 0 and 1, not NaN", "r", 1, "p", 1, null, Double.NaN, List.of());
        refuses("a stop text must not be empty", "r", 1, "p", 1, null, null, List.of(""));
        refuses("a stop text must not hold half a surrogate pair", "r", 1, "p", 1, null, null, List.of("\uD83C"));
    }

    @Test
    void aLogLineWithAJobDoesNotShowThePrompt() {
        assertThat(FakeEngines.job())
                .hasToString(
                        "EngineJob[requestId=request-1, attempt=1, model=default, prompt=15 chars, maxTokens=128]");
    }

    private static void refuses(
            String rule,
            String id,
            int attempt,
            String prompt,
            int maxTokens,
            Double temperature,
            Double topP,
            List<String> stop) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EngineJob(
                        id, attempt, "m", prompt, maxTokens, temperature, topP, null, null, null, stop, null))
                .withMessage(rule);
    }
}
