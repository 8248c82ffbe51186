package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real llama-completion, whose worker is killed in the middle of the answer: at temperature 0 the text is the one that
 * nobody disturbed, to the last token. A pipe between the two lets the first tokens through, and the rest when the
 * test says so.
 */
class ContinuedTextIT {
    private static final String QUESTION = "Tell me a bedtime story";

    /**
     * Holds back what comes after the first reads as long as the file {@code hold} is there. The engine writes whole
     * tokens, and {@code dd} passes on what it could read: no token is cut.
     */
    private static final String HELD =
            """
            #!/bin/sh
            here=${0%%/*}
            "%s/llama-completion" "$@" | {
              dd bs=64k count=12 status=none
              while [ -e "$here/hold" ]; do sleep 0.02; done
              cat
            }
            """;

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static Path llama;
    private static RunningFlux gateway;
    private static int workers;

    @BeforeAll
    static void start() throws IOException {
        Path real = Machine.llamaFolder();
        llama = Files.createDirectories(folder.resolve("llama"));
        Path held = Files.writeString(llama.resolve("llama-completion"), HELD.formatted(real));
        assertThat(held.toFile().setExecutable(true)).isTrue();
        Path tokenizer = Files.writeString(
                llama.resolve("llama-tokenize"), "#!/bin/sh\nexec \"%s/llama-tokenize\" \"$@\"\n".formatted(real));
        assertThat(tokenizer.toFile().setExecutable(true)).isTrue();
        redis = TestRedis.empty();
        gateway = RunningFlux.named("continued-gateway")
                .gateway()
                .redis(redis)
                .impatient()
                .start();
    }

    @AfterAll
    static void stop() {
        if (gateway != null) {
            gateway.close();
        }
    }

    private static RunningFlux worker() {
        return RunningFlux.named("continued-worker-" + ++workers)
                .worker()
                .redis(redis)
                .llamaCompletion(llama)
                .impatient()
                .start();
    }

    /** 40 tokens end in the middle of the story, by the limit; 256 let it end by itself. */
    @ParameterizedTest
    @ValueSource(ints = {40, 256})
    void theTextOfAnAnswerWhoseWorkerWasKilledIsTheUndisturbedOne(int maxTokens) throws IOException {
        String id = "killed-" + maxTokens;
        try (FluxSocket client = gateway.connect()) {
            Files.createFile(llama.resolve("hold"));
            RunningFlux doomed = worker();
            ask(client, id, maxTokens);
            client.await(id, "token");
            doomed.kill9();
            Files.delete(llama.resolve("hold"));
            try (RunningFlux next = worker()) {
                JsonNode complete = client.awaitEnd(id);
                ask(client, "calm-" + maxTokens, maxTokens);
                JsonNode undisturbed = client.awaitEnd("calm-" + maxTokens);
                assertThat(client.text(id)).isEqualTo(client.text("calm-" + maxTokens));
                assertThat(complete.path("finish_reason")).isEqualTo(undisturbed.path("finish_reason"));
                assertThat(complete.path("finish_reason").asText()).isEqualTo(maxTokens == 40 ? "length" : "stop");
                client.assertGapless(id, 1);
                assertThat(client.events(id, "restart")).isNotEmpty();
                assertThat(next.log()).doesNotContain("tokens cannot be counted");
            }
        }
    }

    private static void ask(FluxSocket client, String id, int maxTokens) {
        client.say("{\"request_id\":\"%s\",\"prompt\":\"%s\",\"max_tokens\":%d,\"temperature\":0}"
                .formatted(id, QUESTION, maxTokens));
    }
}
