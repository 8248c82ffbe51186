package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.jms.BytesMessage;
import jakarta.jms.JMSContext;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.StreamMessage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
    void onlyTheLastExtensionCountsAndNoAnswerReplacesAnothers() throws IOException {
        drop("inbox/report.2025.txt", "echo of 2025\n");
        drop("inbox/report.2026.txt", "echo of 2026\n");
        drop("inbox/q.v1.json", "{\"prompt\":\"echo as json\\n\"}");
        assertThat(awaitFile("inbox/report.2025.answer.txt")).isEqualTo("of 2025");
        assertThat(awaitFile("inbox/report.2026.answer.txt")).isEqualTo("of 2026");
        assertThat(awaitFile("inbox/q.v1.answer.txt")).isEqualTo("as json");
        drop("inbox/twice.txt", "echo as text\n");
        assertThat(awaitFile("inbox/twice.answer.txt")).isEqualTo("as text");
        drop("inbox/twice.json", "{\"prompt\":\"echo as json too\\n\"}");
        assertThat(awaitFile("inbox/twice.answer-json.txt")).isEqualTo("as json too");
        assertThat(awaitFile("inbox/twice.answer.txt")).isEqualTo("as text");
        drop("batch/of.2025.csv", "prompt\necho row\n");
        awaitFile("batch/of.2025.answers.csv");
        awaitFile("batch/done/of.2025.csv");
    }

    @Test
    void whatCannotBeReadIsSetAsideOnceUnreadAndTheNextOneIsAnswered() throws IOException {
        for (String big : List.of("inbox/big.txt", "batch/big.csv")) {
            Path sparse = folder.resolve("sparse");
            try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
                file.setLength(3L << 30);
            }
            Files.setLastModifiedTime(sparse, FileTime.from(Instant.now().minusSeconds(60)));
            Files.move(sparse, folder.resolve(big), StandardCopyOption.ATOMIC_MOVE);
        }
        Files.createSymbolicLink(folder.resolve("inbox/dangling.txt"), Path.of("/nowhere/at/all"));
        Files.createSymbolicLink(folder.resolve("inbox/link.json"), Path.of("/etc/passwd"));
        assertThat(awaitFile("inbox/failed/big.error.txt"))
                .isEqualTo("it has 3221225472 bytes, and may have 262144 (FLUX_MESSAGE_LIMIT)");
        assertThat(awaitFile("batch/failed/big.error.txt"))
                .isEqualTo("it has 3221225472 bytes, and may have 8388608 (FLUX_BATCH_LIMIT)");
        assertThat(awaitFile("inbox/failed/dangling.error.txt"))
                .isEqualTo("it is a symbolic link, and links are not followed");
        assertThat(awaitFile("inbox/failed/link.error.txt"))
                .isEqualTo("it is a symbolic link, and links are not followed");
        drop("inbox/second.txt", "echo second\n");
        assertThat(awaitFile("inbox/second.answer.txt")).isEqualTo("second");
        assertThat(flux.log().split("dangling.txt in ", -1)).as("said once").hasSize(2);
        assertThat(folder.resolve("inbox/failed/big.txt")).hasSize(3L << 30);
    }

    @Test
    void aByteOrderMarkIsNoPartOfAQuestion() throws Exception {
        drop("inbox/marked.txt", "\uFEFFecho marked\n");
        drop("inbox/only-a-mark.txt", "\uFEFF");
        Files.write(folder.resolve("wide"), "echo wide\n".getBytes(StandardCharsets.UTF_16));
        Files.move(folder.resolve("wide"), folder.resolve("inbox/wide.txt"));
        drop("batch/quoted.csv", "\uFEFF\"prompt\",\"id\"\n\"echo quoted\",\"1\"\n");
        kafka.send(new ProducerRecord<>("flux.requests", "marked", "\uFEFF{\"prompt\":\"echo record\\n\"}"));
        jms.send(
                "flux.requests",
                "\uFEFFecho message\n",
                (client, message) -> message.setJMSReplyTo(client.createQueue("marked")));
        assertThat(awaitFile("inbox/marked.answer.txt")).isEqualTo("marked");
        assertThat(awaitFile("inbox/failed/only-a-mark.error.txt")).isEqualTo("prompt must not be empty");
        assertThat(awaitFile("inbox/failed/wide.error.txt"))
                .isEqualTo("the message is not text in UTF-8: it is UTF-16 or UTF-32, and must be UTF-8");
        assertThat(awaitFile("batch/quoted.answers.csv").lines())
                .containsExactly("prompt,id,answer,finish_reason,error", "echo quoted,1,quoted,stop,");
        assertThat(kafka.await("flux.answers", "marked").value()).isEqualTo("record");
        jms.receive("marked", answer -> assertThat(text(answer)).isEqualTo("message"));
    }

    @Test
    void aTableThatCannotBeReadSaysWhere() throws IOException {
        Files.write(folder.resolve("latin"), "prompt\necho Gru\u00DF\n".getBytes(StandardCharsets.ISO_8859_1));
        Files.move(folder.resolve("latin"), folder.resolve("batch/latin.csv"));
        drop("batch/open.csv", "prompt,id\n\"echo open,1\necho next,2\n");
        drop("batch/stray.csv", "id,prompt\n1,\"echo \"stray\" quotes\"\n");
        assertThat(awaitFile("batch/failed/latin.error.txt"))
                .isEqualTo("the table is not text in UTF-8: byte 0xDF at line 2, column 9 is not UTF-8");
        assertThat(awaitFile("batch/failed/open.error.txt")).startsWith("the quote at line 2, column 1 is not closed");
        assertThat(awaitFile("batch/failed/stray.error.txt"))
                .startsWith("a comma or the end of the line was expected at line 2, column 10");
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
        asks.headers().add("CAmelExecCommandExecutable", bytes("/usr/bin/id"));
        asks.headers().add("CAMELKafkaManualCommit", bytes("not one"));
        asks.headers().add("KAFKA.override_topic", bytes("elsewhere"));
        asks.headers().add("KAFKA.topic", bytes("stolen"));
        asks.headers().add("KAFKA.key", bytes("stolen"));
        asks.headers().add("CAMELBeanMethodName", bytes("toString"));
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
            message.setStringProperty("CAmelExecCommandExecutable", "/usr/bin/id");
            message.setStringProperty("CAMELJmsDestinationName", "elsewhere");
            message.setStringProperty("CAMELBeanMethodName", "toString");
            message.setStringProperty("jmsMessageID", "stolen");
            message.setStringProperty("jmsReplyTo", "elsewhere");
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

    /** A set of sets that takes Java ages to read, as attackers send it. */
    private static HashSet<Object> nestedSets() {
        HashSet<Object> root = new HashSet<>();
        HashSet<Object> first = root;
        HashSet<Object> second = new HashSet<>();
        for (int depth = 0; depth < 60; depth++) {
            HashSet<Object> one = new HashSet<>(List.of("x"));
            HashSet<Object> other = new HashSet<>();
            first.add(one);
            first.add(other);
            second.add(one);
            second.add(other);
            first = one;
            second = other;
        }
        return root;
    }

    @Test
    void aMessageThatIsNoTextGoesToTheFailuresOnceAndUnread() throws Exception {
        jms.send("flux.requests", client -> client.createObjectMessage(nestedSets()));
        jms.send("flux.requests", client -> {
            StreamMessage stream = client.createStreamMessage();
            stream.setStringProperty("foreign", "x");
            stream.writeString("echo stream\n");
            return stream;
        });
        jms.send("flux.requests", client -> {
            MapMessage map = client.createMapMessage();
            map.setString("prompt", "echo map\n");
            return map;
        });
        jms.send("flux.requests", client -> {
            BytesMessage bytes = client.createBytesMessage();
            bytes.writeBytes(new byte[] {'a', (byte) 0xFF});
            return bytes;
        });
        jms.send("flux.requests", client -> {
            BytesMessage large = client.createBytesMessage();
            large.writeBytes(new byte[262_145]);
            return large;
        });
        jms.send("flux.requests", JMSContext::createMessage);
        Map<String, Message> failures = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            jms.receive("flux.failures", failure -> {
                assertThat(property(failure, "FluxError")).isEqualTo("invalid_request");
                assertThat(property(failure, "foreign")).isNull();
                failures.put(property(failure, "FluxErrorReason"), failure);
            });
        }
        assertThat(failures)
                .containsOnlyKeys(
                        "the message must be text or bytes, not an ObjectMessage, which is not read",
                        "the message must be text or bytes, not a StreamMessage, which is not read",
                        "the message must be text or bytes, not a MapMessage, which is not read",
                        "the message must be text or bytes, not a message without a body, which is not read",
                        "the message must be at most 262144 bytes, not 262145",
                        "the message is not text in UTF-8: byte 0xFF at line 1, column 2 is not UTF-8");
        StreamMessage stream = (StreamMessage)
                failures.get("the message must be text or bytes, not a StreamMessage, which is not read");
        assertThat(stream.readString()).as("its content is kept").isEqualTo("echo stream\n");
        jms.send(
                "flux.requests",
                "echo after\n",
                (client, message) -> message.setJMSReplyTo(client.createQueue("after")));
        jms.receive("after", answer -> assertThat(text(answer)).isEqualTo("after"));
        jms.isEmpty("flux.failures");
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
