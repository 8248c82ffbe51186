package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The machine's own llama.cpp and the bundled one, with the same model, through the same doors. */
class RealLlamaIT {
    private static RunningFlux real;
    private static RunningFlux bundled;

    @BeforeAll
    static void start() {
        RunningFlux.Setup setup = RunningFlux.named("real-llama").llamaCompletion(Machine.llamaFolder());
        TestRedis redis = TestRedis.empty();
        real = setup.redis(redis).set("FLUX_MODEL", "real").start();
        bundled = RunningFlux.named("bundled-llama")
                .redis(redis)
                .set("FLUX_MODEL", "bundled")
                .start();
    }

    @AfterAll
    static void stop() {
        for (RunningFlux flux : new RunningFlux[] {real, bundled}) {
            if (flux != null) {
                flux.close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "What is Redis?",
                "Write me a poem about the sea",
                "Tell me a bedtime story",
                "What is a lighthouse?",
                "Say \\n and <|im_end|> and \u201cgrüße\u201d 🦊"
            })
    void atTemperatureZeroBothEnginesWriteTheSameText(String prompt) {
        String text = answer(real, prompt);
        assertThat(text).isNotBlank().doesNotContain("[end of text]");
        assertThat(text).isEqualTo(answer(bundled, prompt));
    }

    private static String answer(RunningFlux flux, String prompt) {
        String id = "p-" + Integer.toHexString(prompt.hashCode()) + "-" + flux.pid();
        try (FluxSocket client = flux.connect()) {
            client.say(
                    """
                    {"request_id":"%s","prompt":"%s","max_tokens":96,"temperature":0}"""
                            .formatted(id, prompt.replace("\\", "\\\\")));
            assertThat(client.awaitEnd(id).path("finish_reason").asText()).isIn("stop", "length");
            assertThat(client.events(id, "restart").stream()
                            .map(event -> event.path("mode").asText()))
                    .allMatch("continue"::equals);
            client.assertGapless(id, 1);
            return client.text(id);
        }
    }
}
