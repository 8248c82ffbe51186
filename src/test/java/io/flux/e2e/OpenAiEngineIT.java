package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine {@code openai} with a real llama-server as the server elsewhere, which dies, comes back, and wants a key. One
 * Flux serves two models of it: {@code anew} cannot be continued, {@code on} can, through a network that may break.
 */
class OpenAiEngineIT {
    private static final String KEY = "sk-the-key-of-the-test";
    private static final String STORY = "Tell me a bedtime story";

    @TempDir
    static Path folder;

    private static Path keyFile;
    private static OpenAiUpstream upstream;
    private static TcpProxy network;
    private static RunningFlux flux;
    private OpenAiUpstream other;

    @BeforeAll
    static void start() throws Exception {
        upstream = OpenAiUpstream.withKey(KEY, "-np", "2").start();
        network = new TcpProxy(upstream.port());
        keyFile = Files.writeString(folder.resolve("key"), KEY);
        Path models = Files.writeString(
                folder.resolve("models.yaml"),
                """
                models:
                  - {name: anew, engine: openai, url: "%s", key_file: key, continuation: no}
                  - {name: on, engine: openai, url: "%s", key_file: key, continuation: prefill}
                """
                        .formatted(
                                upstream.url(), upstream.url().replace(":" + upstream.port(), ":" + network.port())));
        flux = RunningFlux.named("openai-engine")
                .redis(TestRedis.empty())
                .set("FLUX_MODELS", models)
                .impatient()
                .start();
    }

    @AfterAll
    static void stop() {
        if (flux != null) {
            flux.close();
        }
        if (upstream != null) {
            network.close();
            upstream.close();
        }
    }

    @AfterEach
    void bringTheServerBack() throws Exception {
        if (other != null) {
            other.close();
            upstream.start();
        }
        Files.writeString(keyFile, KEY);
        await().atMost(Duration.ofSeconds(40)).until(OpenAiEngineIT::isReady);
    }

    @AfterAll
    static void theKeyIsNowhere() {
        if (flux != null) {
            assertThat(flux.log()).doesNotContain(KEY);
        }
    }

    @Test
    void anAnswerIsStreamedAndCounted() {
        try (FluxSocket client = flux.connect()) {
            ask(client, "streamed", "on", 40, "");
            JsonNode complete = client.awaitEnd("streamed");
            assertThat(client.text("streamed")).startsWith("Once upon a time");
            assertThat(client.events("streamed", "token").size()).isGreaterThan(1);
            assertThat(complete.path("finish_reason").asText()).isEqualTo("length");
            assertThat(complete.path("token_count").asInt()).isEqualTo(40);
            assertThat(complete.at("/usage/prompt_tokens").asInt()).isPositive();
            client.assertGapless("streamed", 1);
        }
    }

    @Test
    void anAnswerKeepsToItsSchema() throws Exception {
        try (FluxSocket client = flux.connect()) {
            ask(
                    client,
                    "schema",
                    "on",
                    256,
                    ",\"json_schema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}},"
                            + "\"required\":[\"ok\"],\"additionalProperties\":false}");
            assertThat(client.awaitEnd("schema").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(new ObjectMapper()
                            .readTree(client.text("schema"))
                            .path("ok")
                            .isBoolean())
                    .isTrue();
        }
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsError() {
        try (FluxSocket client = flux.connect()) {
            client.ask("long", "word ".repeat(3000), "\"model\":\"on\"");
            JsonNode error = client.awaitEnd("long");
            assertThat(error.path("code").asText()).isEqualTo("prompt_too_long");
            assertThat(error.path("field").asText()).isEqualTo("prompt");
        }
    }

    @Test
    void aJobWaitsForAServerThatIsAway() {
        upstream.kill9();
        other = upstream.but("-np", "2");
        try (FluxSocket client = flux.connect()) {
            ask(client, "patient", "anew", 20, "");
            await().until(() -> flux.get("/health").body().contains("cannot be reached"));
            other.start();
            assertThat(client.awaitEnd("patient").path("finish_reason").asText())
                    .isEqualTo("length");
            client.assertGapless("patient", 1);
        }
        assertNothingIsDead();
    }

    /** The server writes on for as long as it may; it is frozen, so that the answer cannot be whole, and killed. */
    @Test
    void anAnswerWhoseServerDiesBeginsAnewWhereItCannotBeContinued() {
        upstream.kill9();
        other = upstream.but("-np", "2", "--ignore-eos").start();
        try (FluxSocket client = flux.connect()) {
            ask(client, "calm", "anew", 480, "");
            client.awaitEnd("calm");
            ask(client, "reset", "anew", 480, "");
            client.await("reset", "token");
            other.freeze();
            other.kill9();
            other.start();
            assertThat(client.awaitEnd("reset").path("finish_reason").asText()).isEqualTo("length");
            JsonNode restart = client.events("reset", "restart").get(0);
            assertThat(restart.path("mode").asText()).isEqualTo("reset");
            assertThat(client.text("reset")).endsWith(client.text("calm")).isNotEqualTo(client.text("calm"));
            client.assertGapless("reset", 1);
        }
        assertNothingIsDead();
    }

    /** What the server wrote after the first tokens is lost on the way. */
    @Test
    void anAnswerThatBreaksOffGoesOnToTheSameText() {
        try (FluxSocket client = flux.connect()) {
            ask(client, "undisturbed", "on", 256, "");
            client.awaitEnd("undisturbed");
            network.passNoMoreThan(6000);
            ask(client, "continue", "on", 256, "");
            client.await("continue", "token");
            network.cut();
            network.restore();
            assertThat(client.awaitEnd("continue").path("finish_reason").asText())
                    .isEqualTo("stop");
            assertThat(client.events("continue", "restart").get(0).path("mode").asText())
                    .isEqualTo("continue");
            assertThat(client.text("continue")).isEqualTo(client.text("undisturbed"));
            client.assertGapless("continue", 1);
        }
        assertNothingIsDead();
    }

    @Test
    void aWrongKeyIsTheOperatorsFaultAndNoJobs() throws Exception {
        Files.writeString(keyFile, "sk-another-key");
        try (FluxSocket client = flux.connect()) {
            ask(client, "waits", "on", 20, "");
            await().until(() -> flux.get("/health").body().contains("answers 401 (Invalid API Key)"));
            assertThat(flux.get("/health").statusCode()).isEqualTo(503);
            Files.writeString(keyFile, KEY);
            assertThat(client.awaitEnd("waits").path("finish_reason").asText()).isEqualTo("length");
        }
        assertNothingIsDead();
        assertThat(flux.log()).doesNotContain("sk-another-key");
    }

    private static boolean isReady() {
        return flux.get("/health").statusCode() == 200;
    }

    private static void assertNothingIsDead() {
        assertThat(flux.get("/queue/dead").body()).isEqualTo("[]");
    }

    private static void ask(FluxSocket client, String id, String model, int maxTokens, String more) {
        client.say("{\"request_id\":\"%s\",\"model\":\"%s\",\"prompt\":\"%s\",\"max_tokens\":%d,\"temperature\":0%s}"
                .formatted(id, model, STORY, maxTokens, more));
    }
}
