package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.access.KeyHash;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** OpenAI's official client for Node, as npm installs it, takes Flux for OpenAI. What it does is in {@code client.js}. */
@Timeout(120)
class OpenAiClientIT {
    private static final String KEY = KeyHash.newKey();

    @TempDir
    static Path folder;

    private static OpenAiNodeClient client;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws Exception {
        client = new OpenAiNodeClient("openai-client", KEY);
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"),
                "keys:\n  - {tenant: acme, operator: true, sha256: \"%s\"}\n".formatted(KeyHash.hex(KEY)));
        Path models = Files.writeString(
                folder.resolve("models.yaml"),
                """
                models:
                  - {name: default, engine: bundled}
                  - {name: endless, engine: llama-completion, template: none}
                """);
        flux = RunningFlux.named("openai-client")
                .set("FLUX_MODELS", models.toAbsolutePath())
                .set("FLUX_LLAMA_DIR", new FakeEngine(folder.resolve("engine")).folder())
                .redis(TestRedis.empty())
                .set("FLUX_KEYS", keys.toAbsolutePath())
                .set("FLUX_QUEUE_LIMIT", 1)
                .start();
    }

    @AfterAll
    static void stop() {
        if (flux != null) {
            flux.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chatStream",
                "chatStreamHelper",
                "chatWhole",
                "completions",
                "models",
                "jsonSchema",
                "abort",
                "authentication",
                "errors",
                "rateLimit"
            })
    void theOfficialClientRunsUnmodified(String scenario) throws Exception {
        OpenAiNodeClient.Run run = client.play(flux, scenario);
        assertThat(run.code()).as(run.output()).isZero();
    }
}
