package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.KeyHash;
import io.flux.cli.Ask;
import io.flux.cli.Dead;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who comes in with which key, through two gateways on one Redis. */
class KeysIT {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String ACME = KeyHash.newKey();
    private static final String OTHER = KeyHash.newKey();
    private static final String SLOW = KeyHash.newKey();
    private static final String OPERATOR = KeyHash.newKey();
    private static final String LEAVING = KeyHash.newKey();
    private static final String NEW = KeyHash.newKey();
    private static final String WRONG = KeyHash.newKey();
    private static final List<String> ALL = List.of(ACME, OTHER, SLOW, OPERATOR, LEAVING, NEW, WRONG);

    /** Jobs of the tenant that is slowed down: far apart, so that a slow machine does not give it one more. */
    private static final int BURST = 3;

    private static final double RATE = 0.01;

    @TempDir
    static Path folder;

    private static Path keys;
    private static RunningFlux flux;
    private static RunningFlux second;

    @BeforeAll
    static void start() throws IOException {
        FakeEngine engine = new FakeEngine(folder.resolve("engine"));
        Path models = Files.writeString(
                folder.resolve("models.yaml"),
                """
                models:
                  - {name: chat, engine: llama-completion, template: none, slots: 4}
                  - {name: secret, engine: llama-completion, template: none}
                """);
        keys = folder.resolve("keys.yaml");
        write(standard());
        TestRedis redis = TestRedis.empty();
        flux = RunningFlux.named("keys")
                .redis(redis)
                .set("FLUX_LLAMA_DIR", engine.folder())
                .set("FLUX_MODELS", models)
                .set("FLUX_KEYS", keys)
                .set("FLUX_ATTEMPTS", 1)
                .set("FLUX_BACKOFF", "10ms")
                .launch();
        second = RunningFlux.named("keys-second")
                .gateway()
                .redis(redis)
                .set("FLUX_MODEL", "")
                .set("FLUX_KEYS", keys)
                .set("FLUX_HOST", "0.0.0.0")
                .launch();
        flux.awaitReady();
        second.awaitReady();
        await().untilAsserted(() ->
                assertThat(get(second, "/models", OPERATOR).body()).contains("\"workers\":1"));
    }

    private static String standard() {
        return entry("acme", ACME, "models: [chat]")
                + entry("other", OTHER, "models: [chat]")
                + entry("slow", SLOW, "rate: " + RATE, "burst: " + BURST)
                + entry("ops", OPERATOR, "operator: true")
                + entry("leaving", LEAVING);
    }

    private static String entry(String tenant, String key, String... more) {
        return "  - tenant: " + tenant + "\n    sha256: \"" + KeyHash.hex(key) + "\"\n"
                + List.of(more).stream().map(line -> "    " + line + "\n").reduce("", String::concat);
    }

    /** As a whole, and not for a moment in part. */
    private static void write(String entries) throws IOException {
        Path next = Files.writeString(folder.resolve("next.yaml"), "keys:\n" + entries);
        Files.move(next, keys, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @AfterEach
    void theKeysAreAsTheyWere() throws IOException {
        write(standard());
        await().until(() -> get(flux, "/models", LEAVING).statusCode() == 200);
        await().until(() -> get(second, "/models", LEAVING).statusCode() == 200);
        await().until(() -> get(flux, "/models", NEW).statusCode() == 401);
    }

    @AfterAll
    static void noKeyIsInALog() {
        RunningFlux.closeAll(flux, second);
        for (String key : ALL) {
            assertThat(flux.log()).doesNotContain(key);
            assertThat(second.log()).doesNotContain(key);
        }
        assertThat(flux.log()).as("it did log").containsPattern("Keys in .*: 5");
    }

    private static HttpResponse<String> get(RunningFlux at, String path, String key) {
        return send(at, "GET", path, key, "");
    }

    private static HttpResponse<String> send(RunningFlux at, String method, String path, String key, String body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(at.http(path)).method(method, HttpRequest.BodyPublishers.ofString(body));
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        try {
            return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static FluxSocket connect(RunningFlux to, String key) {
        return FluxSocket.connect(to.webSocket(""), Map.of("Authorization", "Bearer " + key));
    }

    private static String code(HttpResponse<String> answer) throws IOException {
        return JSON.readTree(answer.body()).path("code").asText();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/models", "/queue/status", "/metrics", "/queue/dead", "/v1/jobs/x", "/nothing/here"})
    void withoutAKnownKeyNothingIsThere(String path) throws IOException {
        for (String key : new String[] {null, WRONG}) {
            HttpResponse<String> answer = get(flux, path, key);
            assertThat(answer.statusCode()).isEqualTo(401);
            assertThat(answer.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
            assertThat(code(answer)).isEqualTo("unauthorized");
        }
        assertThat(FluxSocket.handshakeStatus(flux.webSocket(""), Map.of())).isEqualTo(401);
        assertThat(FluxSocket.handshakeStatus(flux.webSocket(""), Map.of("Authorization", "Bearer " + WRONG)))
                .isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/health", "/", "/index.html", "/flux.js", "/flux.css"})
    void healthAndThePageNeedNoKey(String path) {
        assertThat(get(flux, path, null).statusCode()).isEqualTo(200);
    }

    @Test
    void aKeyInTheAddressIsRefusedWhateverItIs() throws IOException {
        for (String name : List.of("key", "api_key", "token", "access_token", "Access_Token")) {
            HttpResponse<String> answer = get(flux, "/models?" + name + "=" + ACME, ACME);
            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.body()).contains("Authorization: Bearer").doesNotContain(ACME);
            assertThat(FluxSocket.handshakeStatus(flux.webSocket("?" + name + "=" + ACME), Map.of()))
                    .isEqualTo(400);
        }
    }

    @Test
    void whoHasAKeyAsksThroughEitherGateway() {
        for (RunningFlux gateway : List.of(flux, second)) {
            try (FluxSocket client = connect(gateway, ACME)) {
                client.ask("hello-" + gateway.port(), "echo Hello", "\"model\":\"chat\"");
                client.awaitEnd("hello-" + gateway.port());
                assertThat(client.text("hello-" + gateway.port())).isEqualTo("Hello");
            }
        }
    }

    @Test
    void aModelThatAKeyMayNotAskIsNotThereForIt() throws IOException {
        try (FluxSocket client = connect(flux, ACME)) {
            client.ask("hidden", "echo x", "\"model\":\"secret\"");
            client.ask("absent", "echo x", "\"model\":\"absent\"");
            JsonNode hidden = client.await("hidden", "error");
            JsonNode absent = client.await("absent", "error");
            assertThat(hidden.toString().replace("hidden", "absent").replace("secret", "absent"))
                    .isEqualTo(absent.toString());
            assertThat(absent.path("error").asText()).isEqualTo("model absent is not served; known: chat");
        }
        assertThat(get(flux, "/models", ACME).body()).contains("chat").doesNotContain("secret");
        assertThat(get(flux, "/models", OPERATOR).body()).contains("chat").contains("secret");
        assertThat(get(flux, "/queue/status", ACME).body())
                .contains("\"model\":\"chat\"")
                .doesNotContain("secret")
                .doesNotContain("dead");
        assertThat(get(flux, "/queue/status", OPERATOR).body())
                .contains("secret")
                .contains("\"dead\":");
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/metrics",
        "GET,/queue/jobs",
        "GET,/queue/jobs/x",
        "GET,/queue/dead",
        "GET,/queue/dead/x",
        "POST,/queue/dead/x/replay",
        "DELETE,/queue/dead/x"
    })
    void whatIsForOperatorsIsForbiddenToOthers(String method, String path) throws IOException {
        HttpResponse<String> answer = send(flux, method, path, ACME, "");
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(code(answer)).isEqualTo("forbidden");
        assertThat(send(flux, method, path, OPERATOR, "").statusCode()).isIn(200, 404);
    }

    @Test
    void aJobIsThereForItsTenantOnly() throws IOException {
        try (FluxSocket acme = connect(flux, ACME);
                FluxSocket other = connect(second, OTHER)) {
            acme.ask("mine", "gate isolation", "\"model\":\"chat\"");
            acme.await("mine", "token");

            other.resume("mine", 0);
            other.resume("none", 0);
            JsonNode ofAnother = other.await("mine", "error");
            JsonNode ofNobody = other.await("none", "error");
            assertThat(ofAnother.toString().replace("mine", "none")).isEqualTo(ofNobody.toString());
            assertThat(ofNobody.path("code").asText()).isEqualTo("not_found");

            other.cancel("mine");
            other.cancel("none");
            await().until(() -> other.events("mine", "error").size() == 2
                    && other.events("none", "error").size() == 2);
            assertThat(other.events("mine", "error").get(1).toString().replace("mine", "none"))
                    .isEqualTo(other.events("none", "error").get(1).toString());

            for (String method : List.of("GET", "DELETE")) {
                HttpResponse<String> foreign = send(second, method, "/v1/jobs/mine", OTHER, "");
                HttpResponse<String> absent = send(second, method, "/v1/jobs/none", OTHER, "");
                assertThat(foreign.statusCode()).isEqualTo(404);
                assertThat(foreign.body().replace("mine", "none")).isEqualTo(absent.body());
            }
            assertThat(get(second, "/v1/jobs/mine", ACME).body()).contains("\"running\"");

            other.ask("mine", "echo Another's", "\"model\":\"chat\"");
            other.awaitEnd("mine");
            assertThat(other.text("mine")).as("the same id is another job").isEqualTo("Another's");
            acme.cancel("mine");
            assertThat(acme.awaitEnd("mine").path("finish_reason").asText()).isEqualTo("cancelled");
        }
    }

    @Test
    void aTenantsRateHoldsAcrossGateways() throws IOException {
        try (FluxSocket here = connect(flux, SLOW);
                FluxSocket there = connect(second, SLOW)) {
            here.ask("slow-1", "echo 1", "\"model\":\"chat\"");
            here.awaitEnd("slow-1");
            there.ask("slow-2", "echo 2", "\"model\":\"chat\"");
            there.awaitEnd("slow-2");
            assertThat(send(flux, "POST", "/v1/jobs", SLOW, "{\"prompt\":\"echo 3\",\"model\":\"chat\"}")
                            .statusCode())
                    .isEqualTo(202);

            there.ask("slow-4", "echo 4", "\"model\":\"chat\"");
            JsonNode refused = there.await("slow-4", "error");
            assertThat(refused.path("code").asText()).isEqualTo("rate_limited");
            assertThat(refused.path("retry_after_ms").asLong()).isBetween(1L, (long) (1000 / RATE));
            HttpResponse<String> overHttp =
                    send(second, "POST", "/v1/jobs", SLOW, "{\"prompt\":\"echo 5\",\"model\":\"chat\"}");
            assertThat(overHttp.statusCode()).isEqualTo(429);
            assertThat(overHttp.headers().firstValueAsLong("Retry-After").orElse(0))
                    .isPositive();
        }
        try (FluxSocket other = connect(flux, OTHER)) {
            other.ask("not-slow", "echo fast", "\"model\":\"chat\"");
            other.awaitEnd("not-slow");
            assertThat(other.text("not-slow")).isEqualTo("fast");
        }
    }

    @Test
    void aKeyIsReplacedWhileFluxRunsAndTheOldOnesConnectionsAreClosed() throws IOException {
        try (FluxSocket old = connect(second, LEAVING);
                FluxSocket stays = connect(second, ACME)) {
            old.ask("before", "echo x", "\"model\":\"chat\"");
            old.awaitEnd("before");
            write(standard() + entry("leaving", NEW));
            await().until(() -> get(second, "/models", NEW).statusCode() == 200);
            assertThat(get(second, "/models", LEAVING).statusCode()).isEqualTo(200);

            write(standard().replace(KeyHash.hex(LEAVING), KeyHash.hex(NEW)));

            await().until(old::isClosed);
            assertThat(old.closeCode()).isEqualTo(1008);
            await().until(() -> get(second, "/models", LEAVING).statusCode() == 401);
            try (FluxSocket again = connect(second, NEW)) {
                again.resume("before", 0);
                again.awaitEnd("before");
                assertThat(again.text("before")).as("the jobs are the tenant's").isEqualTo("x");
            }
            stays.ask("still", "echo here", "\"model\":\"chat\"");
            stays.awaitEnd("still");
            write("nonsense");
            await().until(() -> second.log().contains("the keys stay as they were: " + keys));
            assertThat(get(second, "/models", NEW).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aFailureThatIsLoggedShowsNoKey() throws IOException {
        for (String key : List.of(ACME, WRONG)) {
            for (String body : List.of("{", "{\"prompt\":5}", "\u0000", "[]")) {
                send(flux, "POST", "/v1/jobs", key, body);
                send(flux, "POST", "/api/generate", key, body);
            }
            send(flux, "PUT", "/models", key, "x");
            get(flux, "/queue/dead/%00", key);
            get(flux, "/queue/dead/%ff", key);
        }
        assertThat(get(flux, "/health", null).statusCode()).isEqualTo(200);
    }

    @Test
    void aGatewayThatOthersCanReachDoesNotStartWithoutKeys() {
        assertThat(RunningFlux.named("keys-public").set("FLUX_HOST", "0.0.0.0").failToStart())
                .contains("FLUX_KEYS must name a file of the keys")
                .contains("./flux key TENANT");
        assertThat(RunningFlux.named("keys-wrong")
                        .set("FLUX_KEYS", folder.resolve("nowhere.yaml"))
                        .failToStart())
                .contains("nowhere.yaml, which does not exist");
    }

    @Test
    void aWorkerHasNoDoorsAndNeedsNoKeys() {
        try (RunningFlux worker = RunningFlux.named("keys-worker")
                .worker()
                .redis(TestRedis.running())
                .set("FLUX_HOST", "0.0.0.0")
                .set("FLUX_MODEL", "elsewhere")
                .start()) {
            for (String path : List.of("/health", "/metrics", "/models")) {
                assertThat(get(worker, path, null).statusCode()).isEqualTo(200);
            }
        }
    }

    @Test
    void theCommandsShowTheKeyOfTheirEnvironment() throws Exception {
        Path file = Files.writeString(folder.resolve("key"), ACME + "\n");
        Result answer = command(Ask.class, Map.of("FLUX_KEY_FILE", file.toString()), "--model", "chat", "echo Hello");
        assertThat(answer.code()).as(answer.text()).isZero();
        assertThat(answer.text()).contains("Hello");
        assertThat(command(Ask.class, Map.of(), "echo Hello").text())
                .contains("lets nobody in without a key that it knows; set FLUX_KEY, or FLUX_KEY_FILE");
        assertThat(command(Ask.class, Map.of("FLUX_KEY", WRONG), "echo Hello").text())
                .contains("holds another key than it should")
                .doesNotContain(WRONG);
        assertThat(command(Dead.class, Map.of("FLUX_KEY", OPERATOR), "list").code())
                .isZero();
        assertThat(command(Dead.class, Map.of("FLUX_KEY", ACME), "list").text())
                .contains("forbidden: this needs the key of an operator");
        assertThat(command(Dead.class, Map.of(), "list").text()).contains("unauthorized: ", "set FLUX_KEY");
    }

    /** What a command left behind, stdout and stderr together. */
    private record Result(int code, String text) {}

    private static Result command(Class<?> main, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("command.out");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
        Map<String, String> set = new HashMap<>(environment);
        set.put("FLUX_URL", flux.http("").toString());
        builder.environment().putAll(set);
        Process process = builder.start();
        if (!process.waitFor(Duration.ofMinutes(1).toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " does not end");
        }
        return new Result(process.exitValue(), Files.readString(out));
    }
}
