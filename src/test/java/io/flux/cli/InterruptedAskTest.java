package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.e2e.Interruptible;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real process, and real signals. */
@Timeout(90)
@DisabledOnOs(OS.WINDOWS)
class InterruptedAskTest {
    @TempDir
    private Path folder;

    private Process ask(FakeFlux flux) throws Exception {
        return new ProcessBuilder(Interruptible.command(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Ask.class.getName(),
                        "--url",
                        flux.url(),
                        "Write")))
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    private void awaitText(String text) {
        await().atMost(30, TimeUnit.SECONDS)
                .until(() -> Files.readString(folder.resolve("out")).contains(text));
    }

    private static void signal(Process process, String signal) throws Exception {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    private static String idOf(List<JsonObject> messages, int index) {
        return messages.get(index).getString("type") + " " + messages.get(index).getString("request_id");
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM"})
    void aSignalCancelsTheJobAndWaitsUntilItIsCancelled(String signal) throws Exception {
        try (FakeFlux flux = new FakeFlux((client, message) -> {
            if (message.getString("type").equals("generate")) {
                client.ticket().start().token(2, "Once");
            } else {
                client.token(3, " upon")
                        .send("{'type':'complete','seq':4,'finish_reason':'cancelled','token_count':2}");
            }
        })) {
            Process ask = ask(flux);
            awaitText("Once");

            signal(ask, signal);

            assertThat(ask.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(ask.exitValue()).isEqualTo(130);
            String id = flux.received().get(0).getString("request_id");
            assertThat(idOf(flux.received(), 1)).isEqualTo("cancel " + id);
            assertThat(folder.resolve("out")).hasContent("Once upon\n");
            assertThat(Files.readString(folder.resolve("err"))).endsWith("2 tokens · cancelled\n");
        }
    }

    @Test
    void aFluxThatDoesNotAnswerTheCancelIsNotWaitedForLong() throws Exception {
        try (FakeFlux flux = new FakeFlux((client, message) -> {
            if (message.getString("type").equals("generate")) {
                client.ticket().start().token(2, "Once");
            }
        })) {
            Process ask = ask(flux);
            awaitText("Once");

            signal(ask, "INT");

            assertThat(ask.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(ask.exitValue()).isEqualTo(130);
            assertThat(Files.readString(folder.resolve("err"))).contains("did not confirm in time");
        }
    }
}
