package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.docs.ApiContract;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the gateway lets in over WebSocket and HTTP, what it answers to the rest, and that it stays open. */
class GatewayDoorIT {
    private static final int BAD_MESSAGES = 200;
    private static final long SEED = 20261123;
    private static final String PARTNER = "https://partner.example";

    @TempDir
    static Path folder;

    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("door")
                .redis(TestRedis.empty())
                .engine(engine)
                .set("FLUX_QUEUE_LIMIT", 2)
                .set("FLUX_ALLOWED_ORIGINS", PARTNER)
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    /**
     * A message that breaks a rule.
     *
     * @param field that the error must name; null where there is none
     */
    private record Bad(ByteBuffer binary, String text, String field) {
        static Bad text(String message, String field) {
            return new Bad(null, message, field);
        }

        static Bad binary(byte[] message) {
            return new Bad(ByteBuffer.wrap(message), "binary", null);
        }

        static Bad field(String name, String value) {
            return text("{\"prompt\":\"echo bad\",\"%s\":%s}".formatted(name, value), name);
        }
    }

    private static List<Bad> everyKind(Random random) {
        byte[] noise = new byte[1 + random.nextInt(400)];
        random.nextBytes(noise);
        String nested = "[".repeat(2_000 + random.nextInt(20_000));
        int above = 4097 + random.nextInt(1_000_000);
        return List.of(
                Bad.binary(noise),
                Bad.binary(new byte[0]),
                Bad.text("", null),
                Bad.text(" \n", null),
                Bad.text("null", null),
                Bad.text("[]", null),
                Bad.text("\"hello\"", null),
                Bad.text(Long.toString(random.nextLong()), null),
                Bad.text("hello", null),
                Bad.text("{\"prompt\":\"echo bad\"", null),
                Bad.text("{\"prompt\":\"echo bad\"} {}", null),
                Bad.text("{'prompt':'echo bad'}", null),
                Bad.text("{\"prompt\":\"echo bad\",\"prompt\":\"echo worse\"}", null),
                Bad.text(nested, null),
                Bad.text("{\"prompt\":" + nested, null),
                Bad.text("{\"prompt\":\"" + "x".repeat(300_000) + "\"}", null),
                Bad.text("{}", "prompt"),
                Bad.text("{\"prompt\":\"\"}", "prompt"),
                Bad.text("{\"prompt\":\" \\n\\t\"}", "prompt"),
                Bad.text("{\"prompt\":" + random.nextInt() + "}", "prompt"),
                Bad.text("{\"prompt\":{\"a\":[true]}}", "prompt"),
                Bad.text("{\"prompt\":null}", "prompt"),
                Bad.text("{\"messages\":[]}", "messages"),
                Bad.text("{\"messages\":\"echo bad\"}", "messages"),
                Bad.text("{\"messages\":[7]}", "messages[0]"),
                Bad.text("{\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}", "messages[0].role"),
                Bad.text("{\"messages\":[{\"role\":\"user\"}]}", "messages[0].content"),
                Bad.text("{\"prompt\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "messages"),
                Bad.field("max_tokens", Integer.toString(-random.nextInt(10_000))),
                Bad.field("max_tokens", Integer.toString(above)),
                Bad.field("max_tokens", "\"64\""),
                Bad.field("max_tokens", "1.5"),
                Bad.field("max_tokens", "1e400"),
                Bad.field("max_tokens", "9".repeat(500)),
                Bad.field("temperature", Double.toString(2.0001 + random.nextDouble() * 100)),
                Bad.field("temperature", "-0.1"),
                Bad.field("temperature", "\"hot\""),
                Bad.field("temperature", "[0.7]"),
                Bad.field("top_p", "1.01"),
                Bad.field("top_k", "-1"),
                Bad.field("min_p", "true"),
                Bad.field("seed", "-1"),
                Bad.field("seed", "4294967296"),
                Bad.field("stop", "[\"\"]"),
                Bad.field("stop", "[1]"),
                Bad.field("stop", "{\"a\":1}"),
                Bad.field("timeout_ms", "0"),
                Bad.field("on_disconnect", "\"explode\""),
                Bad.field("model", "\"no/such model\""),
                Bad.field("model", "\"{default}:waiting\""),
                Bad.field("request_id", "\"white space\""),
                Bad.field("request_id", "\"}:job {\""),
                Bad.field("request_id", "\"" + "x".repeat(129) + "\""),
                Bad.field("request_id", "17"),
                Bad.field("request_id", "\"null\""),
                Bad.field("type", "\"shutdown\""),
                Bad.field("type", "1"),
                Bad.text("{\"type\":\"cancel\"}", "request_id"),
                Bad.text("{\"type\":\"resume\"}", "request_id"),
                Bad.text("{\"type\":\"resume\",\"request_id\":\"r\",\"after\":-1}", "after"),
                Bad.text("{\"type\":\"resume\",\"request_id\":\"r\",\"after\":\"x\"}", "after"));
    }

    @Test
    void twoHundredBadMessagesAreAnsweredByNameAndTheSocketServesOn() {
        Random random = new Random(SEED);
        List<Bad> bad = new ArrayList<>(everyKind(random));
        while (bad.size() < BAD_MESSAGES) {
            List<Bad> more = everyKind(random);
            bad.add(more.get(random.nextInt(more.size())));
        }
        try (FluxSocket client = flux.connect()) {
            for (Bad message : bad) {
                int before = client.events().size();
                if (message.binary() == null) {
                    client.say(message.text());
                } else {
                    client.say(message.binary());
                }
                JsonNode error = client.awaitNext(before);
                assertThat(error.path("type").asText())
                        .as(describe(message, error))
                        .isEqualTo("error");
                assertThat(error.path("code").asText())
                        .as(describe(message, error))
                        .isEqualTo("invalid_request");
                assertThat(error.path("error").asText())
                        .as(describe(message, error))
                        .isNotBlank();
                assertThat(error.path("field").asText(null))
                        .as(describe(message, error))
                        .isEqualTo(message.field());
                if (message.field() != null) {
                    assertThat(error.path("error").asText()).contains(message.field());
                }
            }
            client.ask("good", "echo still open");
            client.awaitEnd("good");
            assertThat(client.text("good")).isEqualTo("still open");
            assertThat(client.events())
                    .hasSize(bad.size() + client.events("good").size());
        }
        assertThat(engine.runs()).noneMatch(run -> run.prompt().contains("bad"));
        assertThat(flux.log()).doesNotContain("could not be handled");
    }

    private static String describe(Bad bad, JsonNode error) {
        return bad.text().substring(0, Math.min(120, bad.text().length())) + " was answered by " + error;
    }

    @Test
    void aFloodOfBadMessagesIsAnsweredOneByOne() {
        try (FluxSocket client = flux.connect()) {
            for (int i = 0; i < BAD_MESSAGES; i++) {
                client.say("{\"request_id\":\"flood-" + i + "\",\"max_tokens\":0}");
            }
            for (int i = 0; i < BAD_MESSAGES; i++) {
                assertThat(client.await("flood-" + i, "error").path("code").asText())
                        .isEqualTo("invalid_request");
            }
            assertThat(client.events()).hasSize(BAD_MESSAGES);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?CamelExecCommandExecutable=%s",
                "?camelexeccommandexecutable=%s",
                "?CAMELExecCommandExecutable=%s",
                "?%%43amelExecCommandExecutable=%s",
                "?%%63%%61%%6d%%65%%6cExecCommandExecutable=%s",
                "?+CamelExecCommandExecutable=%s",
                "?%%20CamelExecCommandExecutable=%s",
                "?a=b&CamelExecCommandExecutable=%s",
                "?a=b;CamelExecCommandExecutable=%s",
                "?CamelExecCommandExecutable=%s&CamelExecCommandExecutable=%s",
                "?CamelVertxWebsocket.connectionKey=somebody-else",
                "?CamelVertxWebsocket.sendToAll=true",
                "?CamelRedis.Key=flux:gone",
                "?org.apache.camel.anything=1"
            })
    void anAddressThatTriesToSetCamelsHeadersIsRefused(String query) throws IOException {
        Path trap = trap();
        String address = query.replace("%s", trap.toString()).replace("%%", "%");
        assertThat(FluxSocket.handshakeStatus(flux.webSocket(address), Map.of()))
                .isEqualTo(400);
        assertThat(flux.get("/health" + address).statusCode()).isEqualTo(400);
        assertThat(sprung(trap)).isFalse();
    }

    @Test
    void headersAndOtherParametersReachNoComponent() throws IOException {
        Path trap = trap();
        Map<String, String> headers = Map.of(
                "CamelExecCommandExecutable", trap.toString(),
                "CamelExecCommandArgs", "x",
                "CamelRedis.Key", "flux:elsewhere",
                "CamelVertxWebsocket.connectionKey", "somebody-else");
        try (FluxSocket client = FluxSocket.connect(
                flux.webSocket("?ExecCommandExecutable=" + trap + "&model=x&request_id=y&id=z"), headers)) {
            client.ask("headers", "echo unharmed");
            client.awaitEnd("headers");
            assertThat(client.text("headers")).isEqualTo("unharmed");
        }
        assertThat(sprung(trap)).isFalse();
    }

    /** A program that leaves a mark when anybody runs it. */
    private static Path trap() throws IOException {
        Path trap = Files.createTempFile(folder, "trap", ".sh");
        Files.writeString(trap, "#!/bin/sh\ntouch \"$0.sprung\"\n");
        assertThat(trap.toFile().setExecutable(true)).isTrue();
        return trap;
    }

    private static boolean sprung(Path trap) {
        return Files.exists(Path.of(trap + ".sprung"));
    }

    @Test
    void pagesOfOtherSitesAreRefusedAtTheHandshake() {
        for (String origin : List.of(
                "https://evil.example",
                "null",
                "http://127.0.0.1:1",
                "https://partner.example.evil.example",
                "http://partner.example",
                "not an origin",
                "file://")) {
            assertThat(FluxSocket.handshakeStatus(flux.webSocket(""), Map.of("Origin", origin)))
                    .as(origin)
                    .isEqualTo(403);
        }
    }

    @Test
    void ourOwnPageAnAllowedOneAndClientsThatAreNoBrowserAreLetIn() {
        String own = "http://" + flux.http("/").getAuthority();
        for (Map<String, String> headers :
                List.of(Map.<String, String>of(), Map.of("Origin", own), Map.of("Origin", PARTNER))) {
            assertThat(FluxSocket.handshakeStatus(flux.webSocket(""), headers))
                    .as(headers.toString())
                    .isEqualTo(101);
        }
    }

    @Test
    void moreJobsThanTheQueueHoldsAreRefused() {
        try (FluxSocket client = flux.connect()) {
            client.ask("serving", "gate full");
            client.await("serving", "token");
            client.ask("waiting-1", "echo 1");
            assertThat(client.await("waiting-1", "ticket").path("position").asLong())
                    .isEqualTo(1);
            client.ask("waiting-2", "echo 2");
            assertThat(client.await("waiting-2", "ticket").path("position").asLong())
                    .isEqualTo(2);
            client.ask("too-many", "echo 3");
            JsonNode error = client.await("too-many", "error");
            assertThat(error.path("code").asText()).isEqualTo("overloaded");
            assertThat(error.has("seq")).isFalse();

            engine.open("full");
            client.awaitEnd("waiting-1");
            client.awaitEnd("waiting-2");
            // A refused id is free again.
            client.ask("too-many", "echo 3");
            client.awaitEnd("too-many");
            assertThat(client.text("too-many")).isEqualTo("3");
        }
    }

    @Test
    void theSameRequestUnderTheSameIdFollowsTheSameJob() {
        try (FluxSocket first = flux.connect();
                FluxSocket second = flux.connect()) {
            first.ask("same", "gate same");
            first.await("same", "token");
            second.ask("same", "gate same");
            second.await("same", "token");
            engine.open("same");
            first.awaitEnd("same");
            second.awaitEnd("same");
            assertThat(first.text("same")).isEqualTo("AB");
            assertThat(second.text("same")).isEqualTo("AB");
            second.assertGapless("same", 1);
            assertThat(engine.runs("gate same")).hasSize(1);
        }
    }

    /** Words that mean something to Camel, JSON or Redis mean nothing as an id. */
    @ParameterizedTest
    @ValueSource(strings = {"true", "false", "0", "-1", "00", "1e3", ":", "...", "a.b:c_d-e", "default:waiting"})
    void anyAllowedIdIsUsable(String id) {
        try (FluxSocket client = flux.connect()) {
            String gate = "id-" + Integer.toHexString(id.hashCode());
            client.ask(id, "gate " + gate);
            client.await(id, "token");
            client.resume(id, 0);
            client.cancel(id);
            assertThat(client.awaitEnd(id).path("finish_reason").asText()).isEqualTo("cancelled");
        }
    }

    @Test
    void anotherRequestUnderTheSameIdIsAConflict() {
        try (FluxSocket client = flux.connect()) {
            client.ask("taken", "echo one");
            client.awaitEnd("taken");
            client.ask("taken", "echo two");
            JsonNode error = client.await("taken", "error");
            assertThat(error.path("code").asText()).isEqualTo("conflict");
            assertThat(error.path("field").asText()).isEqualTo("request_id");
            assertThat(engine.runs("echo two")).isEmpty();
        }
    }

    @Test
    void aModelThatNobodyServesIsNotFoundAndTheKnownOneIsNamed() {
        try (FluxSocket client = flux.connect()) {
            client.say("""
                    {"request_id":"elsewhere","prompt":"echo x","model":"gpt-9"}""");
            JsonNode error = client.await("elsewhere", "error");
            assertThat(error.path("code").asText()).isEqualTo("not_found");
            assertThat(error.path("field").asText()).isEqualTo("model");
            assertThat(error.path("error").asText()).contains("gpt-9", "default");
        }
    }

    @Test
    void whoComesBackGetsOnlyWhatWasMissed() {
        try (FluxSocket before = flux.connect()) {
            before.ask("resumed", "gate resumed");
            assertThat(before.await("resumed", "token").path("seq").asLong()).isEqualTo(2);
        }
        await().untilAsserted(() -> assertThat(flux.get("/metrics").body()).contains("flux_sockets 0"));
        try (FluxSocket after = flux.connect()) {
            after.resume("resumed", 2);
            after.await("resumed", "ticket");
            engine.open("resumed");
            after.awaitEnd("resumed");
            assertThat(after.text("resumed")).isEqualTo("B");
            after.assertGapless("resumed", 3);
        }
        try (FluxSocket late = flux.connect()) {
            late.resume("resumed", 3);
            late.awaitEnd("resumed");
            late.assertGapless("resumed", 4);
            late.resume("resumed", 0);
            late.await("the whole answer again", event -> event.path("seq").asLong() == 1);
        }
    }

    @Test
    void resumingWhatIsUnknownIsAnsweredByNotFound() {
        try (FluxSocket client = flux.connect()) {
            client.resume("never-asked", 0);
            assertThat(client.await("never-asked", "error").path("code").asText())
                    .isEqualTo("not_found");
        }
    }

    /** All that GET takes, what is there and what is not. */
    private static final List<String> ADDRESSES = List.of(
            "/health",
            "/health/live",
            "/metrics",
            "/models",
            "/queue/status",
            "/queue/jobs",
            "/queue/jobs/none",
            "/queue/dead",
            "/queue/dead/none",
            "/queue/callbacks",
            "/v1/models",
            "/v1/models/default",
            "/v1/models/none",
            "/v1/jobs/none",
            "/v1/jobs/none/events",
            "/ws/generate",
            "/",
            "/index.html",
            "/flux.js",
            "/openapi.json",
            "/nothing");

    private static ApiContract.Answer raw(String method, String target, String... headers) throws IOException {
        StringBuilder request =
                new StringBuilder(method).append(' ').append(target).append(" HTTP/1.1\r\n");
        if (Stream.of(headers).noneMatch(header -> header.startsWith("Host:"))) {
            request.append("Host: 127.0.0.1\r\n");
        }
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        try (RawClient client = new RawClient(flux.port())) {
            client.send(request.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            return client.answer(method, target);
        }
    }

    /** DNS rebinding: the browser takes Flux for a server of the page's site, and asks it what that page wants to know. */
    @Test
    void aPageWhoseSiteResolvesToThisMachineIsRefusedEverywhere() throws IOException {
        String[] headers = {"Host: evil.example:8080", "Origin: http://evil.example:8080"};
        for (String address : ADDRESSES) {
            assertThat(raw("GET", address, headers).status()).as(address).isEqualTo(421);
            assertThat(raw("HEAD", address, headers).status()).as(address).isEqualTo(421);
        }
        for (String address : List.of("/v1/jobs", "/api/generate", "/v1/chat/completions", "/v1/completions")) {
            assertThat(raw("POST", address, headers[0], headers[1], "Content-Length: 0")
                            .status())
                    .as(address)
                    .isEqualTo(421);
        }
        assertThat(raw(
                                "GET",
                                "/ws/generate",
                                headers[0],
                                headers[1],
                                "Upgrade: websocket",
                                "Connection: Upgrade",
                                "Sec-WebSocket-Version: 13",
                                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
                        .status())
                .isEqualTo(421);
        assertThat(raw("GET", "/health", "Host: partner.example").status()).isEqualTo(200);
        assertThat(raw("GET", "/health", "Host: localhost:1").status()).isEqualTo(200);
    }

    /** A page of another site could set cookies here, or send the browser elsewhere. */
    @Test
    void nothingOfARequestBecomesAHeaderOfTheAnswer() throws IOException {
        String query = "?Set-Cookie=sid%3Devil&Refresh=0%3Burl%3D//evil.example&X-Query=abc&Location=//evil.example";
        for (String address : ADDRESSES) {
            for (String method : List.of("GET", "HEAD", "PUT")) {
                Map<String, List<String>> headers = raw(
                                method,
                                address + query,
                                "X-Req: abc",
                                "Retry-After: 77",
                                "Sec-WebSocket-Version: 13",
                                "Content-Language: xx")
                        .headers()
                        .map();
                assertThat(headers.keySet().stream().map(name -> name.toLowerCase(Locale.ROOT)))
                        .as(method + " " + address)
                        .doesNotContain(
                                "set-cookie",
                                "refresh",
                                "x-query",
                                "location",
                                "x-req",
                                "retry-after",
                                "content-language");
                assertThat(headers.toString()).doesNotContain("evil", "abc");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "%5D=1",
                "%C3%82=x",
                "%00=1",
                "%0d%0aX:y=1",
                "=",
                "a%3Ab=1",
                "%F0%9F%92%A5=1",
                "x%20y=%0a",
                "%E2%82=1"
            })
    void anOddNameOfAParameterChangesNothing(String query) throws IOException {
        for (String address : ADDRESSES) {
            assertThat(raw("GET", address + "?" + query).status())
                    .as(address)
                    .isEqualTo(raw("GET", address).status())
                    .isLessThan(500);
        }
        assertThat(flux.log()).doesNotContain("\tat ", "Exception", "header name");
    }

    @Test
    void headIsAnsweredAsGetIsWithoutABody() throws IOException {
        for (String address : ADDRESSES) {
            ApiContract.Answer get = raw("GET", address);
            try (RawClient client = new RawClient(flux.port())) {
                client.send(("HEAD " + address + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                                + "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1));
                ApiContract.Answer head = client.answer("HEAD", address);
                assertThat(head.status()).as(address).isEqualTo(get.status());
                assertThat(head.headers().firstValue("content-type"))
                        .as(address)
                        .isEqualTo(get.headers().firstValue("content-type"));
                // Numbers change from one scrape of the metrics to the next, and ages in the lists of jobs.
                if (head.headers().firstValue("content-length").isPresent()
                        && !List.of("/metrics", "/queue/jobs").contains(address)) {
                    assertThat(head.headers().firstValue("content-length"))
                            .as(address)
                            .isEqualTo(get.headers().firstValue("content-length"));
                }
                assertThat(client.answer("GET", "/health/live").body())
                        .as("what comes after the head of " + address)
                        .startsWith("{\"status\":");
            }
        }
    }

    /** A stream's client that leaves may cancel its job: who asks for the head alone does not follow it. */
    @Test
    void headOfAStreamFollowsNothing() throws IOException {
        try (FluxSocket client = flux.connect()) {
            client.ask("headed", "gate headed");
            client.await("headed", "token");
            ApiContract.Answer head = raw("HEAD", "/v1/jobs/headed/events");
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.headers().firstValue("content-type")).contains("text/event-stream");
            assertThat(head.headers().firstValue("content-length")).isEmpty();
            engine.open("headed");
            client.awaitEnd("headed");
            assertThat(client.text("headed")).isEqualTo("AB");
        }
    }

    @Test
    void anotherMethodIsAnsweredByThoseThatThereAre() throws IOException {
        Map<String, String> allowed = Map.of(
                "/health", "GET, HEAD",
                "/v1/jobs", "POST",
                "/v1/jobs/x", "DELETE, GET, HEAD",
                "/v1/jobs/x/events", "GET, HEAD",
                "/queue/dead/x", "DELETE, GET, HEAD",
                "/queue/dead/x/replay", "POST",
                "/ws/generate", "GET, HEAD",
                "/", "GET, HEAD",
                "/flux.js", "GET, HEAD",
                "/v1/chat/completions", "POST");
        for (Map.Entry<String, String> path : allowed.entrySet()) {
            for (String method : List.of("PUT", "OPTIONS", "TRACE", "X".repeat(2_000))) {
                ApiContract.Answer answer = raw(method, path.getKey());
                assertThat(answer.status()).as(path.getKey()).isEqualTo(405);
                assertThat(answer.headers().firstValue("allow")).contains(path.getValue());
                assertThat(answer.body()).contains("method_not_allowed").hasSizeLessThan(400);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "abc", "", "0", "1001", "-1", "'5'", "%22%22", "1e2", "99999999999999999999"})
    void aLimitThatIsNoneIsRefusedByItsName(String limit) throws IOException {
        ApiContract.Answer answer = raw("GET", "/queue/jobs?limit=" + limit);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("\"field\":\"limit\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "x", "-1", "'1'"})
    void anEventThatIsNoneIsRefusedByItsName(String after) throws IOException {
        ApiContract.Answer answer = raw("GET", "/v1/jobs/none/events?after=" + after);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("\"field\":\"after\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/nothing/LONG",
                "/queue/dead/LONG",
                "/queue/jobs/LONG",
                "/v1/jobs/LONG",
                "/v1/jobs/LONG/events",
                "/v1/models/LONG",
                "/queue/jobs?model=LONG",
                "/queue/jobs?limit=LONG",
                "/v1/jobs/x/events?after=LONG",
                "/health?camelLONG=1"
            })
    void anErrorDoesNotRepeatAllThatWasSent(String address) throws IOException {
        ApiContract.Answer answer = raw("GET", address.replace("LONG", "x".repeat(3_000)));
        assertThat(answer.status()).isBetween(400, 404);
        assertThat(answer.body()).hasSizeLessThan(400);
    }

    /** The README's own curl, which says that what it sends is a form. */
    @ParameterizedTest
    @ValueSource(strings = {"a ", "a&", "%zz=", "+"})
    void aLongPromptIsTakenThoughItSaysThatItIsAForm(String piece) {
        String prompt = "echo " + piece.repeat(1_000) + ".";
        HttpResponse<String> answer = flux.send(HttpRequest.newBuilder(flux.http("/api/generate"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"" + prompt + "\"}"))
                .build());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(engine.runs(prompt)).hasSize(1);
    }

    @Test
    void bytesThatAreNoUtf8AreRefusedInTheSameWordsEverywhere() throws IOException {
        for (byte[] bad : List.of(
                new byte[] {(byte) 0xc0, (byte) 0x80},
                new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0xbd},
                new byte[] {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80})) {
            ByteArrayOutputStream message = new ByteArrayOutputStream();
            message.writeBytes("{\"prompt\":\"echo bad ".getBytes(StandardCharsets.UTF_8));
            message.writeBytes(bad);
            message.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
            for (String path : List.of("/v1/jobs", "/api/generate", "/v1/completions")) {
                HttpResponse<String> answer = flux.send(HttpRequest.newBuilder(flux.http(path))
                        .POST(HttpRequest.BodyPublishers.ofByteArray(message.toByteArray()))
                        .build());
                assertThat(answer.statusCode()).as(path).isEqualTo(400);
                assertThat(answer.body()).contains("the message is not valid UTF-8");
            }
            try (FluxSocket client = flux.connect()) {
                client.say(ByteBuffer.wrap(message.toByteArray()));
                assertThat(client.awaitNext(0).path("error").asText()).isEqualTo("the message is not valid UTF-8");
            }
            // RFC 6455, section 8.1: such a text ends the connection.
            try (RawClient client = new RawClient(flux.port())) {
                client.upgrade("none");
                client.frame(1, true, message.toByteArray());
                assertThat(client.text()).isNull();
            }
        }
        assertThat(engine.runs()).noneMatch(run -> run.prompt().contains("bad"));
    }

    @Test
    void http2InClearTextIsNotSpoken() throws IOException {
        try (RawClient client = new RawClient(flux.port())) {
            client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1));
            assertThat(client.rest()).matches("(?s)HTTP/\\d\\.\\d [45]\\d\\d .*");
        }
        ApiContract.Answer answer = raw(
                "GET",
                "/health/live",
                "Connection: Upgrade, HTTP2-Settings",
                "Upgrade: h2c",
                "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.headers().firstValue("upgrade")).isEmpty();
    }

    /** Each of these was a second, smuggled answer, or an end without a word and a stack trace in the log. */
    @Test
    void aRequestWithoutAClearEndIsRefusedAndLogsNothing() throws IOException {
        String smuggled = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        String head = "POST /v1/jobs HTTP/%s\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n%s\r\n\r\n";
        String chunked = head.formatted("1.1", "Transfer-Encoding: chunked");
        long lines = flux.log().lines().count();
        for (String request : List.of(
                chunked + "100000004\r\n{}\r\n0\r\n\r\n",
                chunked + "2;a=\"\r\n\r\n{}\r\n0\r\n\r\n",
                chunked + "x\r\n{}\r\n0\r\n\r\n",
                head.formatted("1.1", "Transfer-Encoding: chunked, identity") + "2\r\n{}\r\n0\r\n\r\n",
                head.formatted("1.1", "Transfer-Encoding: gzip, chunked") + "2\r\n{}\r\n0\r\n\r\n",
                head.formatted("1.0", "Transfer-Encoding: chunked\r\nContent-Length: 4") + "2\r\n{}\r\n0\r\n\r\n",
                head.formatted("1.1", "Expect: something\r\nContent-Length: 2") + "{}")) {
            try (RawClient client = new RawClient(flux.port())) {
                client.send((request + smuggled).getBytes(StandardCharsets.ISO_8859_1));
                if (request.contains("Expect")) {
                    assertThat(client.answer("POST", "/v1/jobs").status()).isEqualTo(417);
                } else {
                    assertThat(client.rest())
                            .as(request)
                            .matches("(?s)HTTP/1\\.[01] 400 .*")
                            .doesNotContain("200 OK");
                }
            }
        }
        assertThat(flux.log().lines().skip(lines).filter(line -> !line.contains(" INFO ")))
                .isEmpty();
    }
}
