package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.cli.FakeFlux.Client;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.WebSocketFrame;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AskTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String SUMMARY = "38 tokens · first token after 140 ms · 19.4 tokens/s";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    private Path folder;

    private String stdin = "";
    private boolean terminal;
    private FakeFlux flux;

    @AfterEach
    void closeFlux() throws Exception {
        if (flux != null) {
            flux.close();
        }
    }

    private void answering(BiConsumer<Client, JsonObject> onMessage) throws Exception {
        flux = new FakeFlux(onMessage);
    }

    private int ask(String... arguments) throws InterruptedException {
        return ask(out, PATIENCE, arguments);
    }

    private int ask(OutputStream stdout, Duration patience, String... arguments) throws InterruptedException {
        Ask ask = new Ask(
                new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)),
                stdout,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                flux == null ? Map.of() : Map.of("FLUX_URL", flux.url()),
                new Ask.Terminals(terminal, false, terminal),
                patience);
        return ask.run(List.of(arguments));
    }

    private String stdout() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String stderr() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private static void wholeAnswer(Client client, JsonObject message) {
        client.ticket().start().token(2, "Salt").token(3, "y 🌊").complete(4);
    }

    @Test
    void theAnswerIsAllThatStdoutGetsAndTheSummaryIsTheLastLineOfStderr() throws Exception {
        answering(AskTest::wholeAnswer);

        assertThat(ask("Write", "a poem")).isZero();

        assertThat(stdout()).isEqualTo("Salty 🌊\n");
        assertThat(stderr()).endsWith(SUMMARY + "\n");
        JsonObject request = flux.received().get(0);
        assertThat(request.getString("type")).isEqualTo("generate");
        assertThat(request.getString("prompt")).isEqualTo("Write a poem");
        assertThat(request.getString("request_id")).isNotBlank();
    }

    @Test
    void anAnswerThatEndsItsLineGetsNoSecondOne() throws Exception {
        answering((client, message) -> client.ticket().token(1, "one\n").complete(2));

        ask("x");

        assertThat(stdout()).isEqualTo("one\n");
    }

    @Test
    void anEmptyAnswerLeavesStdoutEmpty() throws Exception {
        answering((client, message) -> client.ticket().complete(1));

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEmpty();
    }

    @Test
    void eachPieceIsWrittenAndFlushedBeforeTheNextOneComes() throws Exception {
        StringBuilder order = new StringBuilder();
        OutputStream recording = new OutputStream() {
            @Override
            public void write(int b) {
                order.append((char) b);
            }

            @Override
            public void flush() {
                order.append('|');
            }
        };
        answering(
                (client, message) -> client.ticket().token(1, "a").token(2, "b").complete(3));

        ask(recording, PATIENCE, "x");

        assertThat(order).hasToString("a|b|\n|");
    }

    @Test
    void aSystemMessageMakesTheRequestAConversation() throws Exception {
        answering(AskTest::wholeAnswer);

        ask("--system", "Be brief", "--max-tokens", "5", "Hello");

        JsonObject request = flux.received().get(0);
        assertThat(request.containsKey("prompt")).isFalse();
        assertThat(request.getJsonArray("messages").encode())
                .isEqualTo(
                        "[{\"role\":\"system\",\"content\":\"Be brief\"},{\"role\":\"user\",\"content\":\"Hello\"}]");
        assertThat(request.getInteger("max_tokens")).isEqualTo(5);
    }

    @Test
    void whoWaitsIsToldThePositionWheneverItChanges() throws Exception {
        answering((client, message) -> client.send("{'type':'ticket','position':3,'eta_ms':4200}")
                .send("{'type':'position','position':2}")
                .send("{'type':'position','position':2}")
                .send("{'type':'position','position':1}")
                .start()
                .token(2, "x")
                .complete(3));

        ask("x");

        String ticket = "ticket " + flux.received().get(0).getString("request_id") + " · ";
        assertThat(stderr().lines())
                .containsExactly(
                        ticket + "position 3 · about 4.2 s",
                        ticket + "position 2",
                        ticket + "position 1",
                        ticket + "started",
                        SUMMARY);
    }

    @Test
    void onATerminalOneLineSaysWhereTheJobStandsAndIsGoneWhenTheTextBegins() throws Exception {
        terminal = true;
        answering(AskTest::wholeAnswer);

        ask("x");

        assertThat(stderr()).contains("position 1\r\u001b[Kticket ").endsWith("started\r\u001b[K" + SUMMARY + "\n");
    }

    @Test
    void quietSaysNothingButTheAnswer() throws Exception {
        answering(AskTest::wholeAnswer);

        assertThat(ask("--quiet", "x")).isZero();

        assertThat(stdout()).isEqualTo("Salty 🌊\n");
        assertThat(stderr()).isEmpty();
    }

    @Test
    void jsonPrintsEveryEventAsItCameAndNothingElse() throws Exception {
        answering(AskTest::wholeAnswer);

        assertThat(ask("--json", "x")).isZero();

        assertThat(stdout().lines().map(line -> new JsonObject(line).getString("type")))
                .containsExactly("ticket", "start", "token", "token", "complete");
        assertThat(new JsonObject(stdout().lines().skip(2).findFirst().orElseThrow()).getString("content"))
                .isEqualTo("Salt");
    }

    @Test
    void aSummaryLeavesOutWhatIsNotKnownAndNamesAnEndThatIsNotTheModels() throws Exception {
        answering((client, message) -> client.ticket()
                .token(1, "x")
                .send("{'type':'complete','seq':2,'finish_reason':'length','token_count':1}"));

        assertThat(ask("x")).isZero();

        assertThat(stderr()).endsWith("\n1 token · length: the token limit was reached\n");
    }

    @Test
    void anAnswerThatTheDeadlineCutIsNoSuccess() throws Exception {
        answering((client, message) ->
                client.ticket().token(1, "x").send("{'type':'complete','seq':2,'finish_reason':'deadline'}"));

        assertThat(ask("x")).isEqualTo(1);

        assertThat(stdout()).isEqualTo("x\n");
        assertThat(stderr()).endsWith("\ndeadline: the time limit was reached\n");
    }

    @Test
    void aRefusalIsSaidInWordsAndIsExitCodeOne() throws Exception {
        answering((client, message) ->
                client.send("{'type':'error','code':'overloaded','error':'the queue is full','retry_after_ms':1500}"));

        assertThat(ask("x")).isEqualTo(1);

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).isEqualTo("flux: overloaded: the queue is full; try again in 1.5 s\n");
    }

    @Test
    void aJobThatFailsHalfWayLeavesItsTextAndAnErrorBehind() throws Exception {
        answering((client, message) -> client.ticket()
                .token(1, "half")
                .send("{'type':'error','seq':2,'code':'engine_failed','error':'the engine exited with 1'}"));

        assertThat(ask("--quiet", "x")).isEqualTo(1);

        assertThat(stdout()).isEqualTo("half\n");
        assertThat(stderr()).isEqualTo("flux: engine_failed: the engine exited with 1\n");
    }

    @Test
    void eventsThatAreRepeatedAreShownOnce() throws Exception {
        answering((client, message) -> client.ticket()
                .token(1, "a")
                .token(1, "a")
                .token(2, "b")
                .token(1, "a")
                .token(2, "b")
                .token(3, "c")
                .complete(4));

        ask("x");

        assertThat(stdout()).isEqualTo("abc\n");
    }

    @Test
    void eventsOfOtherJobsAreNotOurs() throws Exception {
        answering((client, message) -> {
            client.ticket();
            new Client(client.socket(), "another").token(1, "theirs").complete(2);
            client.token(1, "ours").complete(2);
        });

        ask("x");

        assertThat(stdout()).isEqualTo("ours\n");
    }

    @Test
    void aMessageInSeveralFramesIsOneEvent() throws Exception {
        answering((client, message) -> {
            client.ticket();
            String token = "{\"type\":\"token\",\"seq\":1,\"content\":\"whole\"}";
            client.socket()
                    .writeFrame(WebSocketFrame.textFrame(token.substring(0, 10), false))
                    .compose(first -> client.socket()
                            .writeFrame(WebSocketFrame.continuationFrame(Buffer.buffer(token.substring(10)), true)))
                    .onSuccess(second -> client.complete(2));
        });

        ask("x");

        assertThat(stdout()).isEqualTo("whole\n");
    }

    @Test
    void afterALostConnectionTheAnswerGoesOnWhereItWas() throws Exception {
        answering((client, message) -> {
            switch (message.getString("type")) {
                case "generate" ->
                    client.ticket().start().token(2, "one ").token(3, "two ").drop();
                case "resume" ->
                    client.ticket().token(3, "two ").token(4, "three").complete(5);
                default -> throw new AssertionError(message);
            }
        });

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEqualTo("one two three\n");
        assertThat(stderr())
                .contains("connection lost (restarting); reconnecting…")
                .endsWith(SUMMARY + "\n");
        assertThat(flux.received()).hasSize(2);
        JsonObject resume = flux.received().get(1);
        assertThat(resume.getString("request_id"))
                .isEqualTo(flux.received().get(0).getString("request_id"));
        assertThat(resume.getLong("after")).isEqualTo(3);
    }

    @Test
    void aConnectionLostBeforeTheTicketHasTheSameRequestSentAgain() throws Exception {
        AtomicInteger times = new AtomicInteger();
        answering((client, message) -> {
            if (times.incrementAndGet() < 3) {
                client.drop();
            } else {
                wholeAnswer(client, message);
            }
        });

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEqualTo("Salty 🌊\n");
        assertThat(flux.received()).hasSize(3);
        assertThat(flux.received().stream().distinct()).hasSize(1);
    }

    @Test
    void aFluxThatCannotReachItsQueueIsAskedAgain() throws Exception {
        AtomicInteger times = new AtomicInteger();
        answering((client, message) -> {
            if (times.incrementAndGet() == 1) {
                client.send("{'type':'error','code':'unavailable','error':'the queue cannot be reached now'}");
            } else {
                wholeAnswer(client, message);
            }
        });

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEqualTo("Salty 🌊\n");
    }

    @Test
    void eventsThatDidNotComeAreFetched() throws Exception {
        answering((client, message) -> {
            if (message.getString("type").equals("generate")) {
                client.ticket().token(1, "a").token(4, "d").complete(5);
            } else {
                client.ticket();
                for (long seq = message.getLong("after") + 1; seq <= 4; seq++) {
                    client.token(seq, Character.toString((char) ('a' + seq - 1)));
                }
                client.complete(5);
            }
        });

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEqualTo("abcd\n");
    }

    @Test
    void anAnswerWithAHoleIsAnErrorAndNotAnAnswer() throws Exception {
        answering(
                (client, message) -> client.ticket().token(1, "a").token(4, "d").complete(5));

        assertThat(ask("--quiet", "x")).isEqualTo(1);

        assertThat(stdout()).isEqualTo("a\n");
        assertThat(stderr()).isEqualTo("flux: the answer is not whole: events 2 to 3 did not come\n");
    }

    @Test
    void aFluxThatDoesNotComeBackIsGivenUp() throws Exception {
        answering((client, message) -> client.ticket().drop());

        // Each connection is accepted and lost again.
        assertThat(ask(out, Duration.ofMillis(500), "--quiet", "x")).isEqualTo(1);

        assertThat(stderr()).contains("was lost and did not come back: restarting");
    }

    @Test
    void aWorkerThatIsLostIsMentionedAndTheTextGoesOn() throws Exception {
        answering((client, message) -> client.ticket()
                .token(1, "one ")
                .send("{'type':'restart','seq':2,'attempt':2,'mode':'continue'}")
                .token(3, "two")
                .complete(4));

        assertThat(ask("x")).isZero();

        assertThat(stdout()).isEqualTo("one two\n");
        assertThat(stderr()).contains("the worker was lost; another one goes on\n");
    }

    @Test
    void anAnswerThatBeginsAgainBeginsOnItsOwnLine() throws Exception {
        answering((client, message) -> client.ticket()
                .token(1, "one")
                .send("{'type':'restart','seq':2,'attempt':2,'mode':'reset'}")
                .token(3, "uno")
                .complete(4));

        ask("x");

        assertThat(stdout()).isEqualTo("one\nuno\n");
        assertThat(stderr()).contains("another one begins the answer again");
    }

    @Test
    void whenNobodyReadsTheAnswerTheJobIsCancelled() throws Exception {
        answering((client, message) -> {
            if (message.getString("type").equals("generate")) {
                client.ticket().start().token(2, "one").token(3, "two");
            } else {
                client.send("{'type':'complete','seq':4,'finish_reason':'cancelled'}");
            }
        });
        OutputStream broken = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };

        assertThat(ask(broken, PATIENCE, "--quiet", "x")).isEqualTo(141);

        assertThat(flux.received().get(1).getString("type")).isEqualTo("cancel");
        assertThat(flux.received().get(1).getString("request_id"))
                .isEqualTo(flux.received().get(0).getString("request_id"));
        assertThat(stderr()).isEmpty();
    }

    @Test
    void thePromptIsReadFromStdinWhenThatIsNoTerminal() throws Exception {
        answering(AskTest::wholeAnswer);
        stdin = "Grüße\nzwei\n";

        ask();
        ask("-");

        assertThat(flux.received())
                .extracting(request -> request.getString("prompt"))
                .containsExactly("Grüße\nzwei", "Grüße\nzwei");
    }

    @Test
    void aByteOrderMarkIsNoPartOfThePromptNorOfAFilesText() throws Exception {
        answering(AskTest::wholeAnswer);
        stdin = "\uFEFFGrüße\n";

        ask();
        ask("--grammar", "@" + Files.writeString(folder.resolve("marked"), "\uFEFFroot ::= [a-z]"), "x");

        assertThat(flux.received().get(0).getString("prompt")).isEqualTo("Grüße");
        assertThat(flux.received().get(1).getString("grammar")).isEqualTo("root ::= [a-z]");
    }

    @Test
    void withoutAPromptNothingIsAsked() throws Exception {
        terminal = true;

        assertThat(ask()).isEqualTo(2);

        assertThat(stderr()).startsWith("flux: the prompt is missing\n");
    }

    @Test
    void misuseIsExitCodeTwo() throws Exception {
        assertThat(ask("--wat", "x")).isEqualTo(2);

        assertThat(stdout()).isEmpty();
        assertThat(stderr()).startsWith("flux: there is no option --wat");
    }

    @Test
    void helpGoesToStdout() throws Exception {
        assertThat(ask("--help")).isZero();

        assertThat(stdout()).startsWith("Usage: flux ask");
    }

    @Test
    void aFluxElsewhereThatDoesNotAnswerIsAnErrorThatNamesIt() throws Exception {
        assertThat(ask("--url", "http://flux.invalid:8080", "x")).isEqualTo(1);

        assertThat(stderr()).startsWith("flux: no Flux answers at http://flux.invalid:8080: ");
    }
}
