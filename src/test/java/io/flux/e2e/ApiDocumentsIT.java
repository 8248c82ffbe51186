package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.access.KeyHash;
import io.flux.docs.ApiContract;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A running Flux keeps to {@code docs/api}: every answer that the documents have comes as they say. */
class ApiDocumentsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final String TENANT = KeyHash.newKey();
    private static final String OPERATOR = KeyHash.newKey();
    private static final List<String> ASKING =
            List.of("/v1/jobs", "/api/generate", "/v1/chat/completions", "/v1/completions");

    /** Answers that need a Redis that is away, a gateway that stops, a fault, or a Flux without keys: others look at these. */
    private static final Set<String> NOT_HERE = Set.of("421", "500", "503");

    @TempDir
    static Path folder;

    private static final ApiContract CONTRACT = new ApiContract();
    private static FakeEngine engine;
    private static WebhookReceiver receiver;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws IOException {
        engine = new FakeEngine(folder.resolve("engine"));
        receiver = new WebhookReceiver();
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"),
                "keys:\n  - {tenant: acme, sha256: \"" + KeyHash.hex(TENANT)
                        + "\"}\n  - {tenant: ops, operator: true, sha256: \"" + KeyHash.hex(OPERATOR) + "\"}\n");
        flux = RunningFlux.named("api-documents")
                .redis(TestRedis.empty())
                .engine(engine)
                .impatient()
                .set("FLUX_KEYS", keys)
                .set("FLUX_QUEUE_LIMIT", 2)
                .set("FLUX_ATTEMPTS", 1)
                .set("FLUX_CALLBACK_SECRET", "a secret of the tests")
                .set("FLUX_CALLBACK_PRIVATE", true)
                .set("FLUX_CALLBACK_ATTEMPTS", 1)
                .start();
    }

    @AfterAll
    static void everyAnswerOfTheDocumentCame() {
        flux.close();
        receiver.close();
        Set<String> missing = new TreeSet<>(ApiContract.documented());
        missing.removeAll(CONTRACT.seen());
        missing.removeIf(answer -> NOT_HERE.contains(answer.substring(answer.length() - 3)));
        assertThat(missing).isEmpty();
        assertThat(CONTRACT.seen()).contains("post /api/generate 500", "post /v1/chat/completions 500");
    }

    private static HttpResponse<String> ask(String method, String path, String key, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(flux.http(path)).method(method, HttpRequest.BodyPublishers.ofString(body));
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> response = flux.send(request.build());
        CONTRACT.check(new ApiContract.Answer(
                method, path.split("\\?")[0], response.statusCode(), response.headers(), response.body()));
        return response;
    }

    private static int status(String method, String path, String body, String... headers) {
        return ask(method, path, TENANT, body, headers).statusCode();
    }

    private static int operate(String method, String path) {
        return ask(method, path, OPERATOR, "").statusCode();
    }

    private static JsonNode json(String path) {
        try {
            return FluxClient.JSON.readTree(ask("GET", path, TENANT, "").body());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A request that any of those takes that ask for something. */
    private static String asking(String prompt, String more) {
        return "{\"prompt\":\"" + prompt + "\\n\"" + more + "}";
    }

    private static String chatting(String path, String prompt, String more) {
        return path.contains("chat")
                ? "{\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\\n\"}]" + more + "}"
                : asking(prompt, more);
    }

    /** Each operation of the document, with somebody's id in its path. */
    private static List<String[]> operations() {
        List<String[]> operations = new ArrayList<>();
        for (String answer : ApiContract.documented()) {
            String[] parts = answer.split(" ");
            operations.add(new String[] {parts[0].toUpperCase(Locale.ROOT), parts[1], parts[2]});
        }
        return operations;
    }

    /** What every address refuses alike. */
    @Test
    void whoMayNotComeInIsToldSoInTheShapeOfTheAddress() {
        for (String[] operation : operations()) {
            String path = operation[1].replace("{id}", "nobody");
            String status =
                    switch (operation[2]) {
                        case "400" -> Integer.toString(status(operation[0], path + "?CamelHttpUri=x", ""));
                        case "401" ->
                            Integer.toString(ask(operation[0], path, null, "").statusCode());
                        case "403" -> Integer.toString(status(operation[0], path, "", "Origin", "https://e.example"));
                        case "404" ->
                            operation[1].contains("{id}") ? Integer.toString(operate(operation[0], path)) : "404";
                        case "406" -> Integer.toString(status(operation[0], path, "", "Accept", "image/png"));
                        case "413" -> Integer.toString(status(operation[0], path, "x".repeat(300_000)));
                        case "415" ->
                            Integer.toString(
                                    status(operation[0], path, "x", "Content-Type", "multipart/form-data; boundary=x"));
                        default -> operation[2];
                    };
            assertThat(status).as("%s %s", operation[0], path).isEqualTo(operation[2]);
        }
        for (String path :
                List.of("/metrics", "/queue/jobs", "/queue/jobs/way@acme", "/queue/dead", "/queue/callbacks")) {
            assertThat(status("GET", path, "")).isEqualTo(403);
        }
        for (String path : List.of("/nothing", "/v1/nothing", "/v1/jobs/a/b/c")) {
            assertThat(status("GET", path, "")).isEqualTo(404);
            assertThat(status("POST", path, "{}")).isEqualTo(404);
            assertThat(status("PUT", "/v1/jobs", "{}")).isEqualTo(405);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/jobs", "/api/generate", "/v1/chat/completions", "/v1/completions"})
    void whatIsWrongWithARequestIsSaid(String path) {
        for (String body : List.of("", "{", "[]", "{}", "{\"prompt\":7,\"messages\":7}")) {
            assertThat(status("POST", path, body)).isEqualTo(400);
        }
        assertThat(status("POST", path, chatting(path, "echo x", ",\"max_tokens\":0")))
                .isEqualTo(400);
        assertThat(status("POST", path, chatting(path, "echo x", ",\"model\":\"nobody\"")))
                .isEqualTo(404);
        String key = "taken" + path.replace('/', '.');
        status("POST", path, chatting(path, "echo one", ""), "Idempotency-Key", key);
        assertThat(status("POST", path, chatting(path, "echo two", ""), "Idempotency-Key", key))
                .isEqualTo(409);
        assertThat(status("POST", path, chatting(path, "echo x", ""), "Idempotency-Key", "a b"))
                .isEqualTo(400);
    }

    @Test
    void aJobsWayIsAsTheDocumentSays() {
        assertThat(status("POST", "/v1/jobs", "{\"request_id\":\"way\",\"prompt\":\"gate way\\n\"}"))
                .isEqualTo(202);
        await().atMost(PATIENCE)
                .until(() -> json("/v1/jobs/way").path("state").asText().equals("running"));
        assertThat(ask("GET", "/queue/jobs", OPERATOR, "").body())
                .contains("\"request_id\":\"way@acme\",\"tenant\":\"acme\",\"state\":\"running\"");
        assertThat(operate("GET", "/queue/jobs?model=nobody")).isEqualTo(404);
        assertThat(operate("GET", "/queue/jobs?limit=1001")).isEqualTo(400);
        engine.open("way");
        HttpResponse<String> events = ask("GET", "/v1/jobs/way/events", TENANT, "");
        assertThat(events.statusCode()).isEqualTo(200);
        assertThat(events.body()).contains("\"complete\"");
        assertThat(json("/v1/jobs/way").path("state").asText()).isEqualTo("done");
        assertThat(ask("GET", "/queue/jobs/way@acme", OPERATOR, "").body())
                .contains("\"request_id\":\"way@acme\"", "\"outcome\":\"stop\"")
                .doesNotContain("\"text\":");
        String last = json("/v1/jobs/way").path("last_seq").asText();
        assertThat(status("GET", "/v1/jobs/way/events", "", "Last-Event-ID", last))
                .isEqualTo(204);
        assertThat(status("GET", "/v1/jobs/way/events?after=x", "")).isEqualTo(400);
        assertThat(status("DELETE", "/v1/jobs/way", "")).isEqualTo(409);
    }

    @Test
    void anAnswerComesWithItsRequest() {
        for (String path : ASKING.subList(1, ASKING.size())) {
            for (String more : List.of("", ",\"stream\":true")) {
                HttpResponse<String> answer = ask("POST", path, TENANT, chatting(path, "echo Salt", more));
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(answer.body()).contains("Salt");
                assertThat(status("POST", path, chatting(path, "exit 7", more))).isIn(200, 500);
            }
            assertThat(status(
                            "POST",
                            path,
                            chatting(path, "echo x", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}")))
                    .isEqualTo(200);
        }
    }

    @Test
    void aFullQueueADeadlineAndACancelAreAsTheDocumentSays() {
        assertThat(status("POST", "/v1/jobs", asking("exit 7", ",\"request_id\":\"dead\"")))
                .isEqualTo(202);
        await().atMost(PATIENCE)
                .until(() -> ask("GET", "/queue/dead", OPERATOR, "").body().contains("dead@acme"));
        status("POST", "/v1/jobs", asking("gate full", ",\"request_id\":\"holds\""));
        await().atMost(PATIENCE)
                .until(() -> json("/v1/jobs/holds").path("state").asText().equals("running"));
        for (String path : ASKING.subList(2, ASKING.size())) {
            assertThat(status("POST", path, chatting(path, "echo x", ",\"timeout_ms\":1")))
                    .isEqualTo(504);
            String id = "cancelled" + path.replace('/', '.');
            CompletableFuture<Integer> asked = CompletableFuture.supplyAsync(
                    () -> status("POST", path, chatting(path, "echo x", ""), "Idempotency-Key", id));
            await().atMost(PATIENCE).until(() -> status("DELETE", "/v1/jobs/" + id, "") == 202);
            assertThat(asked.join()).isEqualTo(409);
        }
        status("POST", "/v1/jobs", asking("echo x", ",\"request_id\":\"waits-1\""));
        status("POST", "/v1/jobs", asking("echo x", ",\"request_id\":\"waits-2\""));
        for (String path : ASKING) {
            assertThat(status("POST", path, chatting(path, "echo x", ""))).isEqualTo(429);
        }
        assertThat(operate("POST", "/queue/dead/dead@acme/replay")).isEqualTo(429);
        engine.open("full");
        await().atMost(PATIENCE)
                .until(() -> json("/v1/jobs/waits-2").path("state").asText().equals("done"));
        assertThat(operate("GET", "/queue/dead/dead@acme")).isEqualTo(200);
        assertThat(operate("POST", "/queue/dead/dead@acme/replay")).isEqualTo(200);
        assertThat(operate("POST", "/queue/dead/dead@acme/replay")).isEqualTo(409);
        await().atMost(PATIENCE).until(() -> operate("GET", "/queue/dead/dead.replay@acme") == 200);
        assertThat(operate("DELETE", "/queue/dead/dead.replay@acme")).isEqualTo(204);
    }

    @Test
    void whatIsPostedAndWhatNobodyTookIsAsTheDocumentSays() {
        for (String id : List.of("posted-1", "posted-2")) {
            receiver.refuse("/" + id, 1);
            status(
                    "POST",
                    "/v1/jobs",
                    asking(
                            "echo x",
                            ",\"request_id\":\"" + id + "\",\"callback_url\":\"" + receiver.url("/" + id) + "\""));
            await().atMost(PATIENCE)
                    .until(() ->
                            ask("GET", "/queue/callbacks", OPERATOR, "").body().contains(id));
        }
        assertThat(operate("POST", "/queue/callbacks/posted-1@acme/replay")).isEqualTo(202);
        assertThat(operate("DELETE", "/queue/callbacks/posted-2@acme")).isEqualTo(204);
        await().atMost(PATIENCE).until(() -> receiver.messages("/posted-1").size() == 2);
        for (WebhookReceiver.Message message : receiver.messages("/posted-1")) {
            assertThat(ApiContract.problemsOfWebhook(message.headers(), message.json()))
                    .isEmpty();
        }
    }

    @Test
    void whatOperatorsAndClientsLookAtIsAsTheDocumentSays() throws IOException {
        for (String path :
                List.of("/models", "/queue/status", "/health", "/health/live", "/v1/models", "/v1/models/default")) {
            assertThat(status("GET", path, "")).isEqualTo(200);
        }
        assertThat(operate("GET", "/metrics")).isEqualTo(200);
        assertThat(operate("GET", "/queue/status")).isEqualTo(200);
        for (String name : List.of("openapi.json", "asyncapi.json")) {
            assertThat(ask("GET", "/" + name, null, "").body()).isEqualTo(Files.readString(Path.of("docs/api", name)));
        }
    }

    @Test
    void whatComesOverTheWebSocketIsAsTheOtherDocumentSays() {
        try (FluxSocket client = FluxSocket.connect(flux.webSocket(""), Map.of("Authorization", "Bearer " + TENANT))) {
            client.ask("socket", "echo Salt");
            client.awaitEnd("socket");
            client.resume("socket", 0);
            client.cancel("socket");
            client.await(
                    "an answer to the cancel",
                    event -> event.path("code").asText().equals("already_finished"));
            client.say("{\"type\":\"models\",\"request_id\":\"question\"}");
            client.await("question", "models");
            client.ask("broken", "exit 7\n");
            client.awaitEnd("broken");
            client.say("{");
            client.await("an answer to what is no JSON", event -> !event.has("request_id"));
            assertThat(client.events())
                    .hasSizeGreaterThan(8)
                    .allSatisfy(event -> assertThat(ApiContract.problems(event)).isEmpty());
        }
    }
}
