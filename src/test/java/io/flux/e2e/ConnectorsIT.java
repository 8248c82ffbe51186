package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.jms.JMSException;
import jakarta.jms.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every connector of one Flux, with real folders and real brokers: one slot, a queue of two. */
class ConnectorsIT {
    /** A team's own routes: one that shows events as they come, one that handles what Flux refuses. */
    private static final String TEAM_ROUTES =
            """
            - route:
                id: acme-show
                from:
                  uri: file:{{acme.folder}}/show
                  steps:
                    - to:
                        uri: kamelet:flux-generate
                        parameters:
                          stream: true
                          maxTokens: 9
                    - split:
                        simple: "${body}"
                        streaming: true
                        steps:
                          - setBody:
                              simple: "${body[type]} ${body[content]}\\\\n"
                          - to: file:{{acme.folder}}?fileName=events.txt&fileExist=Append
            - route:
                id: acme-ask
                from:
                  uri: file:{{acme.folder}}/ask
                  steps:
                    - doTry:
                        steps:
                          - to:
                              uri: kamelet:flux-generate
                              parameters:
                                model: nobody-has-it
                        doCatch:
                          - exception:
                              - io.flux.job.Refusal
                            steps:
                              - setBody:
                                  simple: "handled: ${exception.message}"
                    - to: file:{{acme.folder}}?fileName=answer.txt
            """;

    private static final Duration PATIENCE = Duration.ofSeconds(40);

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static EditedRoutes routes;
    private static KafkaBroker kafka;
    private static ArtemisBroker jms;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws Exception {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        routes = new EditedRoutes(folder.resolve("routes"));
        Files.createDirectories(routes.folder().resolve("acme"));
        Files.writeString(routes.folder().resolve("acme/show.camel.yaml"), TEAM_ROUTES);
        kafka = new KafkaBroker(folder.resolve("kafka"), "flux.requests", "flux.answers", "flux.failures");
        jms = new ArtemisBroker();
        flux = startFlux("connectors");
    }

    private static RunningFlux startFlux(String name) {
        return RunningFlux.named(name)
                .set("FLUX_ROUTES", routes.folder())
                .set("FLUX_BUNDLES", "gateway,worker,connectors,acme")
                .set("ACME_FOLDER", folder.resolve("acme"))
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_QUEUE_LIMIT", 2)
                .set("FLUX_FEED_JOBS", 5)
                .set("FLUX_INBOX", folder.resolve("inbox"))
                .set("FLUX_BATCH", folder.resolve("batch"))
                .set("FLUX_BATCH_PERIOD", "200ms")
                .set("FLUX_KAFKA_BROKERS", kafka.address())
                .set("FLUX_JMS_URL", jms.url())
                .start();
    }

    @AfterAll
    static void stop() throws Exception {
        flux.close();
        jms.close();
        kafka.close();
    }

    /** Puts a file into a folder at once, written a while ago. */
    private static void drop(String file, String content) throws IOException {
        Path whole = Files.write(folder.resolve("dropped"), content.getBytes(StandardCharsets.UTF_8));
        Files.setLastModifiedTime(whole, FileTime.from(Instant.now().minusSeconds(60)));
        Files.move(whole, folder.resolve(file), StandardCopyOption.ATOMIC_MOVE);
    }

    private static String awaitFile(String file) {
        Path path = folder.resolve(file);
        await("the file " + file).atMost(PATIENCE).until(() -> Files.exists(path));
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void everyDoorOfOneFluxAnswers() throws Exception {
        drop("inbox/all-doors.txt", "echo by file\n");
        assertThat(awaitFile("inbox/all-doors.answer.txt")).isEqualTo("by file");
        kafka.send(new ProducerRecord<>("flux.requests", "all-doors", "echo by record\n"));
        assertThat(kafka.await("flux.answers", "all-doors").value()).isEqualTo("by record");
        jms.send(
                "flux.requests",
                "echo by message\n",
                (client, message) -> message.setJMSReplyTo(client.createQueue("all-doors")));
        jms.receive("all-doors", answer -> assertThat(text(answer)).isEqualTo("by message"));
        Process curl = new ProcessBuilder(
                        Machine.inPath("curl").toString(),
                        "-sSN",
                        flux.http("/api/generate").toString(),
                        "-d",
                        "{\"prompt\":\"echo by curl\\n\",\"stream\":true}")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("event: token\n", "\"content\":\"by curl\"", "event: complete\n");
        assertThat(curl.waitFor()).isZero();
        try (FluxSocket socket = flux.connect()) {
            socket.ask("by-socket", "echo by socket\n");
            socket.awaitEnd("by-socket");
            assertThat(socket.text("by-socket")).isEqualTo("by socket");
        }
        OpenAiNodeClient.Run run = new OpenAiNodeClient("openai-client-doors", "none").play(flux, "echo");
        assertThat(run.code()).as(run.output()).isZero();
    }

    private static long jobs(String prefix) {
        return redis.commands().keys("flux:{" + prefix + "*}:job").size();
    }

    @Test
    void aFileWithAPromptOrARequestIsAnsweredBesideItAndMovesToDone() throws IOException {
        drop("inbox/räuber ok.txt", "echo grüße\n");
        drop("inbox/asked.json", "{\"prompt\":\"echo as asked\\n\",\"max_tokens\":5,\"request_id\":\"my-own\"}");
        assertThat(awaitFile("inbox/räuber ok.answer.txt")).isEqualTo("grüße");
        assertThat(awaitFile("inbox/asked.answer.txt")).isEqualTo("as asked");
        assertThat(awaitFile("inbox/done/räuber ok.txt")).isEqualTo("echo grüße\n");
        awaitFile("inbox/done/asked.json");
        assertThat(jobs("file:r_uber_ok.txt:")).isEqualTo(1);
        assertThat(jobs("my-own")).isEqualTo(1);
    }

    @Test
    void aBadFileMovesToFailedWithTheReasonBesideItAndTheNextOneIsAnswered() throws IOException {
        drop("inbox/bad.json", "{\"prompt\":\"echo x\\n\",\"max_tokens\":0}");
        drop("inbox/broken.json", "{\"prompt\":");
        drop("inbox/verb.json", "{\"type\":\"cancel\",\"request_id\":\"x\"}");
        drop("inbox/lost.txt", "exit 9\n");
        drop("inbox/next.txt", "echo next\n");
        assertThat(awaitFile("inbox/next.answer.txt")).isEqualTo("next");
        assertThat(awaitFile("inbox/failed/bad.error.txt")).isEqualTo("max_tokens must be between 1 and 4096");
        assertThat(awaitFile("inbox/failed/broken.error.txt")).startsWith("the message is not valid JSON: ");
        assertThat(awaitFile("inbox/failed/verb.error.txt")).isEqualTo("type must be generate");
        assertThat(awaitFile("inbox/failed/lost.error.txt")).contains("engine");
        awaitFile("inbox/failed/bad.json");
        awaitFile("inbox/failed/lost.txt");
        await().atMost(PATIENCE).until(() -> !Files.exists(folder.resolve("inbox/lost.txt")));
        assertThat(folder.resolve("inbox/lost.answer.txt")).doesNotExist();
    }

    @Test
    void aTableOfPromptsComesBackWithItsAnswersInTheOrderOfItsRows() throws IOException {
        drop("batch/poems.csv", "id,prompt\n1,\"echo one, two\"\n2,\n3,exit 7\n4,echo four\n");
        drop("batch/nothing.csv", "id,question\n1,x\n");
        String answers = awaitFile("batch/poems.answers.csv");
        List<String> lines = answers.lines().toList();
        assertThat(lines)
                .startsWith(
                        "id,prompt,answer,finish_reason,error",
                        "1,\"echo one, two\",\"one, two\",stop,",
                        "2,,,,prompt must not be empty")
                .hasSize(5)
                .endsWith("4,echo four,four,stop,");
        assertThat(lines.get(3)).startsWith("3,exit 7,,,").contains("engine");
        awaitFile("batch/done/poems.csv");
        assertThat(awaitFile("batch/failed/nothing.error.txt"))
                .isEqualTo("the first line must name the columns, and one of them must be prompt; it is: id,question");
    }

    @Test
    void rowsThatWaitedForRoomAndThenFailSayWhyTheFirstOneToo() throws IOException {
        drop("batch/many.csv", "prompt\nexit 7\nexit 7\nexit 7\nexit 7\nexit 7\n");
        assertThat(awaitFile("batch/many.answers.csv").lines().skip(1))
                .hasSize(5)
                .allMatch(line -> line.startsWith("exit 7,,,") && line.contains("engine"));
    }

    @Test
    void aRecordIsAnsweredUnderItsKeyAndABadOneGoesToTheFailuresWithTheReason() {
        ProducerRecord<String, String> asks = new ProducerRecord<>("flux.requests", "key-1", "echo from kafka\n");
        asks.headers().add("CamelExecCommandExecutable", bytes("/usr/bin/id"));
        asks.headers().add("kafka.OVERRIDE_TOPIC", bytes("elsewhere"));
        asks.headers().add("FluxRequestId", bytes("stolen"));
        asks.headers().add("foreign", bytes("x"));
        kafka.send(new ProducerRecord<>("flux.requests", 0, "bad", "{\"prompt\":\"x\",\"temperature\":9}"));
        kafka.send(asks);
        kafka.send(new ProducerRecord<>("flux.requests", 0, "json", "{\"prompt\":\"echo as json\\n\"}"));
        ConsumerRecord<String, String> answer = kafka.await("flux.answers", "key-1");
        assertThat(answer.value()).isEqualTo("from kafka");
        assertThat(header(answer, "FluxFinishReason")).isEqualTo("stop");
        assertThat(header(answer, "FluxRequestId")).startsWith("kafka:flux.requests:");
        assertThat(answer.headers().toArray())
                .extracting(org.apache.kafka.common.header.Header::key)
                .allMatch(name -> name.startsWith("Flux"));
        assertThat(kafka.await("flux.answers", "json").value()).isEqualTo("as json");
        ConsumerRecord<String, String> failure = kafka.await("flux.failures", "bad");
        assertThat(failure.value()).isEqualTo("{\"prompt\":\"x\",\"temperature\":9}");
        assertThat(header(failure, "FluxError")).isEqualTo("invalid_request");
        assertThat(header(failure, "FluxErrorReason")).isEqualTo("temperature must be between 0 and 2");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String header(ConsumerRecord<String, String> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    @Test
    void aMessageIsAnsweredWhereItWantsItAndABadOneGoesToTheFailuresAndToWhoWaits() throws Exception {
        String id = jms.send("flux.requests", "echo to a queue\n", (client, message) -> {
            message.setStringProperty("CamelExecCommandExecutable", "/usr/bin/id");
            message.setStringProperty("CamelJmsDestinationName", "elsewhere");
            message.setStringProperty("FluxRequestId", "stolen");
            message.setStringProperty("foreign", "x");
        });
        jms.receive("flux.answers", answer -> {
            assertThat(text(answer)).isEqualTo("to a queue");
            assertThat(property(answer, "JMSCorrelationID")).isEqualTo(id);
            assertThat(property(answer, "FluxRequestId")).startsWith("jms:ID_");
            assertThat(property(answer, "foreign")).isNull();
            assertThat(property(answer, "CamelExecCommandExecutable")).isNull();
        });
        jms.send("flux.requests", "{\"prompt\":\"echo to me\\n\"}", (client, message) -> {
            message.setJMSReplyTo(client.createQueue("mine"));
            message.setJMSCorrelationID("c-1");
        });
        jms.receive("mine", answer -> {
            assertThat(text(answer)).isEqualTo("to me");
            assertThat(property(answer, "JMSCorrelationID")).isEqualTo("c-1");
        });
        jms.send("flux.requests", "{\"max_tokens\":3}", (client, message) -> {
            message.setJMSReplyTo(client.createQueue("mine"));
            message.setJMSCorrelationID("c-2");
        });
        jms.receive("flux.failures", failure -> {
            assertThat(text(failure)).isEqualTo("{\"max_tokens\":3}");
            assertThat(property(failure, "FluxErrorReason")).isEqualTo("prompt or messages is required");
        });
        jms.receive("mine", answer -> {
            assertThat(text(answer)).isEqualTo("prompt or messages is required");
            assertThat(property(answer, "FluxError")).isEqualTo("invalid_request");
            assertThat(property(answer, "JMSCorrelationID")).isEqualTo("c-2");
        });
    }

    private static String text(Message message) {
        try {
            return message.getBody(String.class);
        } catch (JMSException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String property(Message message, String name) {
        try {
            return name.equals("JMSCorrelationID") ? message.getJMSCorrelationID() : message.getStringProperty(name);
        } catch (JMSException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aRouteOfATeamGetsEachEventAsItComes() throws IOException {
        drop("acme/show/gated.txt", "gate acme\n");
        await("what is written, before the rest is")
                .atMost(PATIENCE)
                .until(() -> Files.exists(folder.resolve("acme/events.txt"))
                        && Files.readString(folder.resolve("acme/events.txt")).endsWith("token A\n"));
        engine.open("acme");
        await().atMost(PATIENCE)
                .until(() -> Files.readString(folder.resolve("acme/events.txt")).endsWith("complete \n"));
        assertThat(Files.readString(folder.resolve("acme/events.txt")))
                .isEqualTo("ticket \nstart \ntoken A\ntoken B\ncomplete \n");
    }

    @Test
    void aRouteOfATeamHandlesWhatFluxRefuses() throws IOException {
        drop("acme/ask/x.txt", "echo x\n");
        assertThat(awaitFile("acme/answer.txt")).startsWith("handled: ").contains("nobody-has-it");
    }

    @Test
    void whatFluxHasNoRoomForWaitsAndIsAnsweredLater() throws IOException {
        drop("inbox/holds.txt", "gate room\n");
        await().atMost(PATIENCE).until(() -> engine.runs("gate room").size() == 1);
        for (int i = 1; i <= 6; i++) {
            drop("inbox/waits-" + i + ".txt", "echo waited " + i + "\n");
        }
        await("one that there is no room for").atMost(PATIENCE).until(() -> flux.log()
                .contains("2 jobs are waiting for model default"));
        engine.open("room");
        for (int i = 1; i <= 6; i++) {
            assertThat(awaitFile("inbox/waits-" + i + ".answer.txt")).isEqualTo("waited " + i);
            awaitFile("inbox/done/waits-" + i + ".txt");
        }
        assertThat(folder.resolve("inbox/failed/waits-1.error.txt")).doesNotExist();
    }

    @Test
    void whatWasInHandWhenTheProcessWasKilledIsAnsweredOnceByTheNextOne() throws Exception {
        drop("inbox/killed.txt", "gate killed\n");
        await().atMost(PATIENCE).until(() -> engine.runs("gate killed").size() == 1);
        drop("batch/killed.csv", "prompt\necho row one\necho row two\n");
        kafka.send(new ProducerRecord<>("flux.requests", "killed", "echo record\n"));
        jms.send(
                "flux.requests",
                "echo message\n",
                (client, message) -> message.setJMSReplyTo(client.createQueue("killed")));
        await("the queue to be full")
                .atMost(PATIENCE)
                .until(() -> redis.commands().llen("flux:{default}:waiting") == 2);
        long messages = jobs("jms:");
        flux.kill9();
        engine.open("killed");
        flux = startFlux("connectors-again");
        assertThat(awaitFile("inbox/killed.answer.txt")).isEqualTo("AB");
        jms.receive("killed", answer -> assertThat(text(answer)).isEqualTo("message"));
        assertThat(awaitFile("batch/killed.answers.csv").lines())
                .containsExactly(
                        "prompt,answer,finish_reason,error",
                        "echo row one,row one,stop,",
                        "echo row two,row two,stop,");
        assertThat(kafka.await("flux.answers", "killed").value()).isEqualTo("record");
        assertThat(jobs("file:killed.txt:")).isEqualTo(1);
        assertThat(jobs("row:killed.csv:")).isEqualTo(2);
        assertThat(engine.runs("echo row one")).hasSize(1);
        assertThat(engine.runs("echo record")).hasSize(1);
        assertThat(engine.runs("echo message")).hasSize(1);
        assertThat(jobs("jms:")).isBetween(messages, messages + 1);
        awaitFile("inbox/done/killed.txt");
        awaitFile("batch/done/killed.csv");
    }

    @Test
    void aStopLeavesWhatIsInHandWithItsSource() throws IOException {
        drop("inbox/stopped.txt", "gate stopped\n");
        await().atMost(PATIENCE).until(() -> engine.runs("gate stopped").size() == 1);
        for (int i = 1; i <= 3; i++) {
            drop("inbox/stopped-" + i + ".txt", "echo stopped " + i + "\n");
        }
        await("the queue to be full")
                .atMost(PATIENCE)
                .until(() -> redis.commands().llen("flux:{default}:waiting") == 2);
        flux.terminate();
        engine.open("stopped");
        flux.awaitEnd();
        flux = startFlux("connectors-third");
        assertThat(awaitFile("inbox/stopped.answer.txt")).isEqualTo("AB");
        for (int i = 1; i <= 3; i++) {
            assertThat(awaitFile("inbox/stopped-" + i + ".answer.txt")).isEqualTo("stopped " + i);
        }
        assertThat(folder.resolve("inbox/failed/stopped-3.txt")).doesNotExist();
    }
}
