package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The OpenAI API as plain HTTP: what goes over the wire, who leaves, what is refused, and workers that die. */
class OpenAiDoorIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String CHAT = "/v1/chat/completions";
    private static final String JSON_ONLY = "\"response_format\":{\"type\":\"json_object\"}";
    private static final String STREAM = "\"stream\":true";

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static RunningFlux gateway;
    private static RunningFlux worker;
    private static int workers;

    @BeforeAll
    static void start() {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        gateway = RunningFlux.named("openai-gateway")
                .gateway()
                .redis(redis)
                .set("FLUX_QUEUE_LIMIT", 2)
                .impatient()
                .start();
        worker = worker();
    }

    private static RunningFlux worker() {
        return RunningFlux.named("openai-worker-" + ++workers)
                .worker()
                .redis(redis)
                .engine(engine)
                .impatient()
                .start();
    }

    @AfterAll
    static void stop() {
        worker.close();
        gateway.close();
    }

    @Test
    void aStreamIsOneOfOpenAis() {
        try (OpenAiStream answer =
                chat("echo Salt and foam", STREAM + ",\"stream_options\":{\"include_usage\":true}")) {
            answer.whole();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(answer.raw()).endsWith("\n\ndata: [DONE]\n\n");
            assertThat(answer.raw().split("\n\n"))
                    .allMatch(event -> event.startsWith("data: ") || event.startsWith(":"));
            List<JsonNode> chunks = answer.chunks();
            assertThat(chunks).allSatisfy(chunk -> {
                assertThat(chunk.path("id").asText()).startsWith("chatcmpl-");
                assertThat(chunk.path("object").asText()).isEqualTo("chat.completion.chunk");
                assertThat(chunk.path("model").asText()).isEqualTo("default");
                assertThat(chunk.path("created").asLong()).isPositive();
            });
            assertThat(chunks.get(0).at("/choices/0/delta/role").asText()).isEqualTo("assistant");
            assertThat(answer.text()).isEqualTo("Salt and foam");
            JsonNode end = chunks.get(chunks.size() - 2);
            assertThat(end.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            JsonNode usage = chunks.get(chunks.size() - 1).path("usage");
            assertThat(usage.path("prompt_tokens").asInt()).isEqualTo(12);
            assertThat(usage.path("total_tokens").asInt())
                    .isEqualTo(12 + usage.path("completion_tokens").asInt());
        }
    }

    @Test
    void anAnswerThatIsNotStreamedIsOneBody() {
        try (OpenAiStream answer = chat("echo Salt and foam", "")) {
            JsonNode body = answer.json();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Content-Type")).isEqualTo("application/json");
            assertThat(body.path("object").asText()).isEqualTo("chat.completion");
            assertThat(body.at("/choices/0/message/content").asText()).isEqualTo("Salt and foam");
            assertThat(body.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(body.at("/usage/prompt_tokens").asInt()).isEqualTo(12);
        }
    }

    @Test
    void aTextIsCompletedAsItIs() {
        try (OpenAiStream answer = OpenAiStream.post(gateway.http("/v1/completions"), "{\"prompt\":\"echo Salt\"}")) {
            assertThat(answer.json().at("/choices/0/text").asText()).isEqualTo("Salt");
            assertThat(answer.json().path("id").asText()).startsWith("cmpl-");
        }
        assertThat(engine.runs("echo Salt")).isNotEmpty();
    }

    @Test
    void aClientThatLeavesInMidStreamFreesItsSlot() {
        OpenAiStream answer = chat("gate left", STREAM);
        answer.await("\"content\":\"A\"");
        answer.close();
        await().atMost(PATIENCE).until(() -> !engine.runs("gate left").get(0).isAlive());
        assertIsServed();
    }

    @Test
    void aClientThatLeavesBeforeItsWholeAnswerFreesItsSlot() {
        CompletableFuture<HttpResponse<String>> asked = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .sendAsync(
                        OpenAiStream.request(
                                gateway.http(CHAT), body("gate whole", "").toString()),
                        HttpResponse.BodyHandlers.ofString());
        await().atMost(PATIENCE).until(() -> !engine.runs("gate whole").isEmpty());
        asked.cancel(true);
        await().atMost(PATIENCE).until(() -> !engine.runs("gate whole").get(0).isAlive());
        assertIsServed();
    }

    @Test
    void whoWaitsSeesItsPlaceAndWhoIsTooManyWhenToComeAgain() {
        try (OpenAiStream first = chat("gate crowd", STREAM)) {
            first.await("\"content\":\"A\"");
            try (FluxSocket second = gateway.connect();
                    OpenAiStream third = third(second)) {
                assertThat(third.header("Content-Type")).isEqualTo("text/event-stream");
                third.await(": position 2");
                try (OpenAiStream fourth = chat("echo fourth", STREAM)) {
                    assertThat(fourth.status()).isEqualTo(429);
                    assertThat(Integer.parseInt(fourth.header("Retry-After"))).isPositive();
                    JsonNode error = fourth.json().path("error");
                    assertThat(error.path("type").asText()).isEqualTo("rate_limit_error");
                    assertThat(error.path("code").asText()).isEqualTo("overloaded");
                }
                engine.open("crowd");
                third.whole();
                assertThat(third.text()).isEqualTo("third");
                assertThat(first.whole().text()).isEqualTo("AB");
            }
        }
    }

    /** The second in line waits at the WebSocket's door, so that its ticket says that it is there. */
    private static OpenAiStream third(FluxSocket second) {
        second.ask("second", "echo second");
        second.await("second", "ticket");
        return chat("echo third", STREAM);
    }

    @Test
    void aStreamWhoseWorkerIsKilledGoesOnToTheWholeText() {
        try (OpenAiStream answer = chat("gate killed", STREAM + ",\"max_tokens\":50")) {
            answer.await("\"content\":\"A\"");
            replaceWorker();
            await().atMost(PATIENCE).until(() -> engine.runs("gate killed").size() == 2);
            engine.open("killed");
            answer.whole();
            assertThat(answer.text()).isEqualTo("AB");
            assertThat(answer.raw()).endsWith("data: [DONE]\n\n");
        }
    }

    /** An answer with a schema begins anew at the next worker. */
    @Test
    void aStreamThatCannotGoOnEndsWithAnErrorAndItsJobIsCancelled() {
        try (OpenAiStream answer = chat("gate torn", STREAM + "," + JSON_ONLY)) {
            answer.await("\"content\":\"A\"");
            replaceWorker();
            answer.whole();
            assertThat(answer.text()).isEqualTo("A");
            assertThat(answer.raw()).contains("\"code\":\"answer_lost\"").doesNotContain("[DONE]");
        }
        assertIsServed();
        assertThat(engine.runs("gate torn")).noneMatch(run -> run.workerPid() == worker.pid() && run.isAlive());
    }

    @Test
    void anAnswerThatBeginsAnewIsWholeWhenItIsNotStreamed() {
        CompletableFuture<OpenAiStream> asked = CompletableFuture.supplyAsync(() -> chat("gate anew", JSON_ONLY));
        await().atMost(PATIENCE).until(() -> !engine.runs("gate anew").isEmpty());
        replaceWorker();
        await().atMost(PATIENCE).until(() -> engine.runs("gate anew").size() == 2);
        engine.open("anew");
        try (OpenAiStream answer = asked.join()) {
            assertThat(answer.json().at("/choices/0/message/content").asText()).isEqualTo("AB");
        }
    }

    private static void replaceWorker() {
        worker.kill9();
        worker.close();
        worker = worker();
    }

    @Test
    void theSameKeyIsTheSameJobAndForAnotherRequestAConflict() {
        String body = body("echo once only", "").toString();
        for (int i = 0; i < 2; i++) {
            try (OpenAiStream answer = OpenAiStream.post(gateway.http(CHAT), body, "Idempotency-Key", "my-key")) {
                assertThat(answer.json().path("id").asText()).isEqualTo("chatcmpl-my-key");
                assertThat(answer.json().at("/choices/0/message/content").asText())
                        .isEqualTo("once only");
            }
        }
        assertThat(engine.runs("echo once only")).hasSize(1);
        try (OpenAiStream other =
                OpenAiStream.post(gateway.http(CHAT), body("echo other", "").toString(), "Idempotency-Key", "my-key")) {
            assertThat(other.status()).isEqualTo(409);
            assertThat(other.header("x-should-retry")).isEqualTo("false");
            assertThat(other.json().at("/error/param").asText()).isEqualTo("Idempotency-Key");
        }
    }

    @Test
    void aTimeThatIsOverIsAnErrorAndNotAnAnswer() {
        try (OpenAiStream whole = chat("hang", "\"timeout_ms\":500")) {
            assertThat(whole.status()).isEqualTo(504);
            assertThat(whole.json().at("/error/code").asText()).isEqualTo("deadline");
        }
        try (OpenAiStream stream = chat("gate late", STREAM + ",\"timeout_ms\":500")) {
            stream.whole();
            assertThat(stream.raw()).contains("\"code\":\"deadline\"").doesNotContain("[DONE]");
        }
    }

    @Test
    void anEngineThatFailsIsAnErrorThatIsNotTriedAgain() {
        try (OpenAiStream answer = chat("exit 7", STREAM)) {
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.header("x-should-retry")).isEqualTo("false");
            assertThat(answer.json().at("/error/type").asText()).isEqualTo("server_error");
        }
    }

    @Test
    void whatIsRefusedIsRefusedInOpenAisShape() {
        assertError(post(CHAT, "{"), 400, "invalid_request_error", "invalid_request", null);
        assertError(post(CHAT, "{}"), 400, "invalid_request_error", "invalid_request", "messages");
        assertError(chat("echo x", "\"n\":2"), 400, "invalid_request_error", "invalid_request", "n");
        assertError(
                chat("echo x", "\"max_completion_tokens\":0"),
                400,
                "invalid_request_error",
                "invalid_request",
                "max_completion_tokens");
        assertError(
                chat("echo x", "\"model\":\"none\"," + STREAM),
                404,
                "invalid_request_error",
                "model_not_found",
                "model");
        assertError(post("/v1/embeddings", "{}"), 404, "invalid_request_error", "not_found", null);
        assertError(post(CHAT, "x".repeat(2 * 262_144)), 413, "invalid_request_error", "invalid_request", null);
    }

    @Test
    void theModelsAreListedAsOpenAis() throws Exception {
        JsonNode list = JSON.readTree(gateway.get("/v1/models").body());
        assertThat(list.path("object").asText()).isEqualTo("list");
        assertThat(list.at("/data/0/id").asText()).isEqualTo("default");
        assertThat(JSON.readTree(gateway.get("/v1/models/default").body())
                        .path("object")
                        .asText())
                .isEqualTo("model");
        assertThat(JSON.readTree(gateway.get("/v1/files").body())
                        .at("/error/code")
                        .asText())
                .isEqualTo("not_found");
        HttpResponse<String> none = gateway.get("/v1/models/org%2Fnone");
        assertThat(none.statusCode()).isEqualTo(404);
        JsonNode error = JSON.readTree(none.body()).path("error");
        assertThat(error.path("code").asText()).isEqualTo("model_not_found");
        assertThat(error.path("message").asText()).contains("org/none");
    }

    private static void assertError(OpenAiStream answer, int status, String type, String code, String param) {
        try (answer) {
            JsonNode error = answer.json().path("error");
            assertThat(answer.status()).as(answer.raw()).isEqualTo(status);
            assertThat(error.path("type").asText()).isEqualTo(type);
            assertThat(error.path("code").asText()).isEqualTo(code);
            assertThat(error.path("param").textValue()).isEqualTo(param);
            assertThat(error.path("message").asText()).isNotBlank();
        }
    }

    private static void assertIsServed() {
        try (OpenAiStream next = chat("echo next", "")) {
            assertThat(next.json().at("/choices/0/message/content").asText()).isEqualTo("next");
        }
    }

    private static OpenAiStream chat(String prompt, String more) {
        return post(CHAT, body(prompt, more).toString());
    }

    private static OpenAiStream post(String path, String body) {
        return OpenAiStream.post(gateway.http(path), body);
    }

    private static ObjectNode body(String prompt, String more) {
        try {
            ObjectNode body = (ObjectNode) JSON.readTree("{" + more + "}");
            body.putArray("messages").addObject().put("role", "user").put("content", prompt + "\n");
            return body;
        } catch (JsonProcessingException e) {
            throw new AssertionError(more, e);
        }
    }
}
