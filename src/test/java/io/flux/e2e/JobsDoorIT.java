package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs over HTTP: /v1/jobs with its events and callbacks, and /api/generate. */
class JobsDoorIT {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final String SECRET = "a secret of the tests";
    private static final int NUMBERS = 1_000_000;

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static WebhookReceiver receiver;
    private static RunningFlux gateway;
    private static RunningFlux worker;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        receiver = new WebhookReceiver();
        gateway = gateway("jobs-gateway").launch();
        worker = RunningFlux.named("jobs-worker")
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_SLOTS", 4)
                .launch();
        gateway.awaitReady();
        worker.awaitReady();
    }

    private static RunningFlux.Setup gateway(String name) {
        return RunningFlux.named(name)
                .gateway()
                .redis(redis)
                .impatient()
                .java("-Xmx64m")
                .set("FLUX_PING", "1s")
                .set("FLUX_CALLBACK_SECRET", SECRET)
                .set("FLUX_CALLBACK_PRIVATE", true)
                .set("FLUX_CALLBACK_BACKOFF", "50ms")
                .set("FLUX_CALLBACK_ATTEMPTS", 3);
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(worker, gateway);
        receiver.close();
        TestRedis.empty();
    }

    private static HttpResponse<String> post(String path, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(gateway.http(path)).POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return gateway.send(request.build());
    }

    private static JsonNode json(HttpResponse<String> response) {
        try {
            return FluxClient.JSON.readTree(response.body());
        } catch (IOException e) {
            throw new AssertionError("not JSON: " + response.body(), e);
        }
    }

    private static JsonNode job(String id) {
        return json(gateway.get("/v1/jobs/" + id));
    }

    @Test
    void aJobIsTakenLookedAtWhileItIsWrittenAndReadWhenItIsDone() {
        HttpResponse<String> taken =
                post("/v1/jobs", "{\"request_id\":\"looked-at\",\"prompt\":\"gate looked-at\\n\"}");
        assertThat(taken.statusCode()).isEqualTo(202);
        assertThat(taken.headers().firstValue("Location")).contains("/v1/jobs/looked-at");
        assertThat(json(taken).path("state").asText()).isEqualTo("queued");
        assertThat(json(taken).path("position").asInt()).isEqualTo(1);
        await().atMost(PATIENCE)
                .until(() -> job("looked-at").path("text").asText().equals("A"));
        assertThat(job("looked-at").path("state").asText()).isEqualTo("running");
        engine.open("looked-at");
        await().atMost(PATIENCE)
                .until(() -> job("looked-at").path("state").asText().equals("done"));
        assertThat(job("looked-at").path("text").asText()).isEqualTo("AB");
        assertThat(job("looked-at").path("finish_reason").asText()).isEqualTo("stop");
        try (FluxEvents events = FluxEvents.of(gateway, "looked-at")) {
            events.awaitEnd("looked-at");
            assertThat(events.text("looked-at")).isEqualTo("AB");
            events.assertGapless("looked-at", 1);
            await().until(events::isOver);
        }
    }

    @Test
    void aJobThatFailsSaysWhy() {
        post("/v1/jobs", "{\"request_id\":\"fails\",\"prompt\":\"exit 7\\n\"}");
        await().atMost(PATIENCE).until(() -> job("fails").path("state").asText().equals("failed"));
        assertThat(job("fails").path("error").path("code").asText()).isEqualTo("engine_failed");
        assertThat(post("/api/generate", "{\"prompt\":\"exit 7\\n\"}").statusCode())
                .isEqualTo(500);
    }

    @Test
    void theSameKeyIsTheSameJobAndAnotherRequestUnderItAConflict() {
        String body = "{\"prompt\":\"echo once\\n\"}";
        for (int i = 0; i < 3; i++) {
            HttpResponse<String> taken = post("/v1/jobs", body, "Idempotency-Key", "once");
            assertThat(taken.statusCode()).isEqualTo(202);
            assertThat(json(taken).path("request_id").asText()).isEqualTo("once");
        }
        await().atMost(PATIENCE).until(() -> job("once").path("state").asText().equals("done"));
        assertThat(engine.runs("echo once")).hasSize(1);
        HttpResponse<String> other = post("/v1/jobs", "{\"prompt\":\"echo twice\\n\"}", "Idempotency-Key", "once");
        assertThat(other.statusCode()).isEqualTo(409);
        assertThat(json(other).path("code").asText()).isEqualTo("conflict");
        HttpResponse<String> torn = post("/v1/jobs", "{\"request_id\":\"b\",\"prompt\":\"x\"}", "Idempotency-Key", "a");
        assertThat(torn.statusCode()).isEqualTo(409);
        HttpResponse<String> bad = post("/v1/jobs", body, "Idempotency-Key", "not a key");
        assertThat(bad.statusCode()).isEqualTo(400);
        assertThat(json(bad).path("field").asText()).isEqualTo("Idempotency-Key");
    }

    @Test
    void aJobIsCancelledWhereverItIs() {
        post("/v1/jobs", "{\"request_id\":\"cancelled\",\"prompt\":\"gate never-1\\n\"}");
        await().atMost(PATIENCE)
                .until(() -> job("cancelled").path("text").asText().equals("A"));
        HttpResponse<String> answer = gateway.send(HttpRequest.newBuilder(gateway.http("/v1/jobs/cancelled"))
                .DELETE()
                .build());
        assertThat(answer.statusCode()).isEqualTo(202);
        await().atMost(PATIENCE)
                .until(() -> job("cancelled").path("finish_reason").asText().equals("cancelled"));
        await().atMost(PATIENCE)
                .until(() -> engine.runs("gate never-1").stream().noneMatch(FakeEngine.Run::isAlive));
        HttpResponse<String> late = gateway.send(HttpRequest.newBuilder(gateway.http("/v1/jobs/cancelled"))
                .DELETE()
                .build());
        assertThat(late.statusCode()).isEqualTo(409);
    }

    @Test
    void whoeverAsksAndWaitsGetsTheWholeAnswerOrItsEvents() {
        HttpResponse<String> whole = post("/api/generate", "{\"prompt\":\"echo Grüße 🌙\\n\"}");
        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(json(whole).path("text").asText()).isEqualTo("Grüße 🌙");
        assertThat(json(whole).path("state").asText()).isEqualTo("done");
        HttpResponse<String> stream = post("/api/generate", "{\"prompt\":\"echo Hello\\n\",\"stream\":true}");
        assertThat(stream.headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(stream.body())
                .contains("event: ticket\n", "id: 1\nevent: start\n", "\"content\":\"Hello\"", "event: complete\n")
                .endsWith("\n\n");
    }

    @Test
    void whoeverLeavesInTheMiddleFreesTheSlotIfItSaidSo() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", gateway.port())) {
            String body = "{\"prompt\":\"gate never-2\\n\",\"stream\":true,\"on_disconnect\":\"cancel\"}";
            socket.getOutputStream()
                    .write(("POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + body.length()
                                    + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line = lines.readLine();
            while (!line.contains("\"content\":\"A\"")) {
                line = lines.readLine();
            }
        }
        await().atMost(PATIENCE)
                .until(() -> engine.runs("gate never-2").stream().noneMatch(FakeEngine.Run::isAlive));
    }

    @Test
    void whatBreaksARuleIsAnsweredWithTheFieldAndTheRule() {
        HttpResponse<String> answer = post("/v1/jobs", "{\"prompt\":\"x\",\"max_tokens\":0}");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).path("field").asText()).isEqualTo("max_tokens");
        assertThat(post("/v1/jobs", "{").statusCode()).isEqualTo(400);
        assertThat(post("/v1/jobs", "").statusCode()).isEqualTo(400);
        assertThat(post("/v1/jobs", "x".repeat(300_000)).statusCode()).isEqualTo(413);
        assertThat(post("/v1/jobs", "a=b", "Content-Type", "multipart/form-data; boundary=x")
                        .statusCode())
                .isEqualTo(415);
        // What curl says of its own accord.
        assertThat(post("/v1/jobs", "{\"prompt\":\"echo x\\n\"}", "Content-Type", "application/x-www-form-urlencoded")
                        .statusCode())
                .isEqualTo(202);
        for (String path : List.of("/v1/jobs/nobody", "/v1/jobs/nobody/events", "/v1/jobs/%7Bx%7D", "/v1/jobs/a@b")) {
            assertThat(gateway.get(path).statusCode()).as(path).isEqualTo(404);
        }
        HttpResponse<String> after = gateway.get("/v1/jobs/nobody/events?after=x");
        assertThat(after.statusCode()).isEqualTo(400);
        assertThat(json(after).path("field").asText()).isEqualTo("after");
        assertThat(gateway.send(HttpRequest.newBuilder(gateway.http("/v1/jobs/nobody/events"))
                                .header("Last-Event-ID", "-1")
                                .build())
                        .statusCode())
                .isEqualTo(400);
        assertThat(gateway.get("/v1/jobs/nobody?CamelExecCommandExecutable=id").statusCode())
                .isEqualTo(400);
    }

    @Test
    void aClientThatWaitsIsShownThatItIsNotForgotten() {
        post("/v1/jobs", "{\"request_id\":\"waits\",\"prompt\":\"gate waits\\n\"}");
        try (FluxEvents events = FluxEvents.of(gateway, "waits")) {
            await().atMost(PATIENCE).until(() -> events.comments().size() > 2);
            engine.open("waits");
            events.awaitEnd("waits");
        }
    }

    @Test
    void aReaderThatStopsReadingIsCaughtUpFromTheJournalAndTheGatewayKeepsNothing() throws IOException {
        post("/v1/jobs", "{\"request_id\":\"slow\",\"prompt\":\"count " + NUMBERS + "\\n\"}");
        try (Socket socket = new Socket("127.0.0.1", gateway.port())) {
            socket.getOutputStream()
                    .write("GET /v1/jobs/slow/events HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            await().atMost(PATIENCE).until(() -> "done".equals(redis.commands().hget("flux:{slow}:job", "state")));
            assertThat(json(post("/api/generate", "{\"prompt\":\"echo others\\n\"}"))
                            .path("text")
                            .asText())
                    .as("the others go on")
                    .isEqualTo("others");
            StringBuilder text = new StringBuilder();
            long seq = 0;
            boolean complete = false;
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            while (!complete) {
                String line = lines.readLine();
                if (line.startsWith("data: ")) {
                    JsonNode event = FluxClient.JSON.readTree(line.substring(6));
                    if (event.has("seq")) {
                        assertThat(event.path("seq").asLong()).isEqualTo(++seq);
                    }
                    text.append(event.path("content").asText());
                    complete = event.path("type").asText().equals("complete");
                }
            }
            assertThat(text.toString())
                    .isEqualTo(IntStream.rangeClosed(1, NUMBERS)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining("\n", "", "\n")));
        }
        assertThat(gateway.log()).doesNotContain("OutOfMemoryError");
    }

    @Test
    void anAnswerIsPostedSignedAndTriedAgainUntilItIsTaken() throws Exception {
        // What Camel would take for an option of its own, and for a placeholder.
        String address = "/taken?x=1&bridgeEndpoint=true&y=%7B%7Benv:FLUX_CALLBACK_SECRET%7D%7D";
        receiver.refuse(address, 2);
        post(
                "/v1/jobs",
                "{\"request_id\":\"posted\",\"prompt\":\"echo posted\\n\",\"callback_url\":\"" + receiver.url(address)
                        + "\"}");
        await().atMost(PATIENCE).until(() -> receiver.messages(address).size() == 3);
        WebhookReceiver.Message message = receiver.messages(address).get(2);
        assertThat(message.json()).isEqualTo(job("posted"));
        String id = message.headers().get("webhook-id");
        assertThat(id).isEqualTo("posted");
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        byte[] expected = mac.doFinal((id + "." + message.headers().get("webhook-timestamp") + "." + message.body())
                .getBytes(StandardCharsets.UTF_8));
        assertThat(message.headers().get("webhook-signature"))
                .isEqualTo("v1," + Base64.getEncoder().encodeToString(expected));
        await().atMost(PATIENCE).until(() -> redis.commands().zscore("flux:{callbacks}:due", "posted") == null);
    }

    private static void ask(String id, String url) {
        post("/v1/jobs", "{\"request_id\":\"" + id + "\",\"prompt\":\"echo x\\n\",\"callback_url\":\"" + url + "\"}");
    }

    /** Takes connections and sends a byte of an answer's head now and then. */
    private static void drip(ServerSocket slow, List<Socket> accepted) {
        while (!slow.isClosed()) {
            try {
                slow.setSoTimeout(500);
                accepted.add(slow.accept());
            } catch (SocketTimeoutException e) {
                for (Socket socket : accepted) {
                    try {
                        socket.getOutputStream().write('H');
                    } catch (IOException gone) {
                        accepted.remove(socket);
                    }
                }
            } catch (IOException e) {
                return;
            }
        }
    }

    @Test
    void aReceiverThatDripsHoldsUpNoOther() throws Exception {
        List<Socket> accepted = new CopyOnWriteArrayList<>();
        try (ServerSocket slow = new ServerSocket(0, 0, InetAddress.getLoopbackAddress())) {
            Thread dripping = new Thread(() -> drip(slow, accepted));
            dripping.start();
            for (int i = 0; i < 40; i++) {
                ask("slow-receiver-" + i, "http://127.0.0.1:" + slow.getLocalPort() + "/");
            }
            await().atMost(PATIENCE).until(() -> accepted.size() >= 4);
            ask("good-receiver", receiver.url("/beside-a-slow-one"));
            await().atMost(PATIENCE)
                    .until(() -> !receiver.messages("/beside-a-slow-one").isEmpty());
            await("the slow one to be given up: an attempt has failed")
                    .atMost(PATIENCE)
                    .until(() -> redis.commands().hlen("flux:{callbacks}:attempts") > 0);
        }
        for (Socket socket : accepted) {
            socket.close();
        }
    }

    @Test
    void anAnswerThatNobodyTakesIsADeadLetterAndCanBePostedAgain() {
        receiver.refuse("/refused", 3);
        post(
                "/v1/jobs",
                "{\"request_id\":\"refused\",\"prompt\":\"echo refused\\n\",\"callback_url\":\""
                        + receiver.url("/refused") + "\"}");
        await().atMost(PATIENCE)
                .until(() -> gateway.get("/queue/callbacks").body().contains("\"refused\""));
        assertThat(receiver.messages("/refused")).hasSize(3);
        assertThat(gateway.get("/queue/callbacks").body()).contains("\"attempts\":3", "it answered 503");
        assertThat(post("/queue/callbacks/refused/replay", "").statusCode()).isEqualTo(202);
        await().atMost(PATIENCE).until(() -> receiver.messages("/refused").size() == 4);
        assertThat(gateway.get("/queue/callbacks").body()).doesNotContain("\"refused\"");
        assertThat(post("/queue/callbacks/refused/replay", "").statusCode()).isEqualTo(404);
    }

    @Test
    void anAnswerIsPostedThoughTheGatewayThatTookTheJobAndItsFirstWorkerWereKilled() {
        RunningFlux doomed = gateway("jobs-doomed").set("FLUX_MODEL", "doomed").launch();
        RunningFlux victim = RunningFlux.named("jobs-victim")
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_MODEL", "doomed")
                .launch();
        victim.awaitReady();
        doomed.awaitReady()
                .send(HttpRequest.newBuilder(doomed.http("/v1/jobs"))
                        .POST(HttpRequest.BodyPublishers.ofString(
                                "{\"request_id\":\"survives\",\"model\":\"doomed\",\"prompt\":\"gate survives\\n\",\"callback_url\":\""
                                        + receiver.url("/survives") + "\"}"))
                        .build());
        await().atMost(PATIENCE).until(() -> !engine.runs("gate survives").isEmpty());
        doomed.kill9();
        victim.kill9();
        engine.open("survives");
        try (RunningFlux next = RunningFlux.named("jobs-next")
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .set("FLUX_MODEL", "doomed")
                .start()) {
            await().atMost(PATIENCE).until(() -> !receiver.messages("/survives").isEmpty());
            assertThat(receiver.messages("/survives").get(0).json().path("text").asText())
                    .isEqualTo("AB");
            assertThat(next.isAlive()).isTrue();
        }
    }

    /** Kubernetes' probes and Prometheus name the address of the pod. Pages cannot have that rebound: it is no name. */
    @Test
    void aWorkerIsReachedByAnIpAddressAndAGatewayWithoutKeysIsNot() throws IOException {
        for (String path : List.of("/health", "/health/live", "/metrics", "/models")) {
            assertThat(named("10.1.2.3:8080", worker, path)).as(path).isEqualTo(200);
            assertThat(named("evil.example", worker, path)).as(path).isEqualTo(421);
            assertThat(named("10.1.2.3:8080", gateway, path)).as(path).isEqualTo(421);
        }
    }

    private static int named(String host, RunningFlux flux, String path) throws IOException {
        try (RawClient client = new RawClient(flux.port())) {
            client.send(
                    ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return client.answer("GET", path).status();
        }
    }
}
