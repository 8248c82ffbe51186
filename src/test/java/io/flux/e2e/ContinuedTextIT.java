package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real llama-completion, whose worker is killed in the middle of the answer: at temperature 0 the text is the one that
 * nobody disturbed, to the last token. A pipe between the two lets the first tokens through, and the rest when the
 * test says so.
 */
class ContinuedTextIT {
    private static final String QUESTION = "Tell me a bedtime story";
    /** Tokens that end in the middle of the story, by the limit. */
    private static final int SHORT = 40;
    /** And some that let it end by itself. */
    private static final int LONG = 256;

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
                .set("FLUX_SLOTS", 2)
                .impatient()
                .start();
    }

    @Test
    void theTextOfAnAnswerWhoseWorkerWasKilledIsTheUndisturbedOne() throws IOException {
        try (FluxSocket client = gateway.connect()) {
            Files.createFile(llama.resolve("hold"));
            RunningFlux doomed = worker();
            for (int maxTokens : new int[] {SHORT, LONG}) {
                ask(client, "killed-" + maxTokens, maxTokens);
                client.await("killed-" + maxTokens, "token");
            }
            doomed.kill9();
            Files.delete(llama.resolve("hold"));
            try (RunningFlux next = worker()) {
                assertUndisturbed(client, SHORT, "length");
                assertUndisturbed(client, LONG, "stop");
                assertThat(next.log()).doesNotContain("tokens cannot be counted");
            }
        }
    }

    private static void assertUndisturbed(FluxSocket client, int maxTokens, String reason) {
        String killed = "killed-" + maxTokens;
        String calm = "calm-" + maxTokens;
        JsonNode complete = client.awaitEnd(killed);
        ask(client, calm, maxTokens);
        JsonNode undisturbed = client.awaitEnd(calm);
        assertThat(client.text(killed)).isEqualTo(client.text(calm));
        assertThat(complete.path("finish_reason").asText()).isEqualTo(reason);
        assertThat(undisturbed.path("finish_reason").asText()).isEqualTo(reason);
        client.assertGapless(killed, 1);
        assertThat(client.events(killed, "restart")).isNotEmpty();
    }

    private static void ask(FluxSocket client, String id, int maxTokens) {
        client.say("{\"request_id\":\"%s\",\"prompt\":\"%s\",\"max_tokens\":%d,\"temperature\":0}"
                .formatted(id, QUESTION, maxTokens));
    }
}
