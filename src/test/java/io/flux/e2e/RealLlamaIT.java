package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The machine's own llama.cpp and the bundled one, with the same model, through the same doors. */
class RealLlamaIT {
    private static final Path MODEL = Path.of("src", "main", "resources", "models", "flux-tiny-q8_0.gguf");

    /** llama-completion may lose the end of its output; a run that got this far in its log did not. */
    private static final String WHOLE = "graph reallocs";

    @TempDir
    static Path folder;

    private static Path llama;
    private static RunningFlux real;
    private static RunningFlux bundled;

    @BeforeAll
    static void start() {
        llama = Machine.llamaFolder();
        TestRedis redis = TestRedis.empty();
        real = RunningFlux.named("real-llama")
                .redis(redis)
                .llamaCompletion(llama)
                .set("FLUX_MODEL", "real")
                .start();
        bundled = RunningFlux.named("bundled-llama")
                .redis(redis)
                .set("FLUX_MODEL", "bundled")
                .start();
    }

    @AfterAll
    static void stop() {
        if (real != null) {
            real.close();
        }
        if (bundled != null) {
            bundled.close();
        }
    }

    /** Questions with one likely answer: llama.cpp's versions round differently, and a poem has many beginnings. */
    @ParameterizedTest
    @ValueSource(
            strings = {"What is Redis?", "What is a lighthouse?", "Say \\n and <b> and \u201cgr\u00fc\u00dfe\u201d"})
    void atTemperatureZeroBothEnginesWriteTheSameText(String prompt) throws IOException {
        assertThat(answer(real, prompt)).isNotBlank().isEqualTo(answer(bundled, prompt));
    }

    @ParameterizedTest
    @ValueSource(strings = {"What is Redis?", "Write me a poem about the sea", "Tell me a bedtime story"})
    void aClientGetsTheTextThatLlamaCompletionWritesInATerminal(String prompt) throws Exception {
        assertThat(answer(real, prompt)).isNotBlank().isEqualTo(inATerminal(prompt));
    }

    private static String answer(RunningFlux flux, String prompt) throws IOException {
        try (FluxSocket client = flux.connect()) {
            client.say(new ObjectMapper()
                    .createObjectNode()
                    .put("prompt", prompt)
                    .put("max_tokens", 160)
                    .put("temperature", 0)
                    .toString());
            String id = client.await("a ticket", event -> FluxSocket.type(event).equals("ticket"))
                    .path("request_id")
                    .asText();
            assertThat(client.awaitEnd(id).path("finish_reason").asText()).isIn("stop", "length");
            client.assertGapless(id, 1);
            return client.text(id);
        }
    }

    private static String inATerminal(String prompt) throws IOException, InterruptedException {
        Path in = folder.resolve("prompt");
        Path out = folder.resolve("text");
        Path log = folder.resolve("log");
        Files.writeString(in, "<|im_start|>user\n" + prompt + "<|im_end|>\n<|im_start|>assistant\n\n");
        do {
            new ProcessBuilder(List.of(
                            llama.resolve("llama-completion").toString(),
                            "-m",
                            MODEL.toString(),
                            "-f",
                            in.toString(),
                            "-n",
                            "160",
                            "-no-cnv",
                            "--no-display-prompt",
                            "-t",
                            "1",
                            "--temp",
                            "0"))
                    .redirectOutput(out.toFile())
                    .redirectError(log.toFile())
                    .start()
                    .waitFor();
        } while (!Files.readString(log).contains(WHOLE));
        return new String(Files.readAllBytes(out), StandardCharsets.UTF_8)
                .replace(" [end of text]", "")
                .replaceFirst("\n+$", "");
    }
}
