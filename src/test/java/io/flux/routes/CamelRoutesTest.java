package io.flux.routes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.FluxApplication;
import io.flux.gateway.Hub;
import io.flux.http.HttpServing;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.builder.AdviceWithRouteBuilder;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.UseMainMethod;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/**
 * The shipped routes with a real Redis and a real process as engine: a script that does what its prompt says. The pop
 * loop is cut off at its edge, so that a test sees the queue before it hands a job to the worker.
 */
@CamelSpringBootTest
@SpringBootTest(
        classes = FluxApplication.class,
        useMainMethod = UseMainMethod.ALWAYS,
        properties = {
            "flux.port=0",
            "flux.routes=routes",
            "flux.engine=llama-completion",
            "flux.template=none",
            "flux.model=routes-test",
            "flux.id=routes-test",
            "flux.queue-limit=3",
            "flux.attempts=2",
            "flux.max-tokens-limit=100",
            "flux.max-tokens-default=50"
        })
@Timeout(60)
class CamelRoutesTest {
    private static final String MODEL = "routes-test";

    /** Plays llama-completion; the prompt says how it goes. */
    private static final String ENGINE =
            """
            #!/bin/sh
            prompt=$(cat)
            case "$prompt" in
              *"prompt too long"*) echo "main: prompt is too long (900 tokens, max 508)" >&2; exit 1 ;;
              *"fail always"*) printf 'half'; echo "boom" >&2; exit 3 ;;
              *"fail once"*"half"*) printf ' whole [end of text]\\n\\n' ;;
              *"fail once"*) printf 'half'; echo "boom" >&2; exit 3 ;;
              *"hang"*) printf 'begun '; exec sleep 60 ;;
              *) printf 'You said: %s [end of text]\\n\\n' "$prompt" ;;
            esac
            cat >&2 <<'LOG'
            common_perf_print: prompt eval time =       2.23 ms /    12 tokens (    0.19 ms per token)
            common_perf_print:        eval time =       1.85 ms /     7 runs   (    0.26 ms per token)
            common_perf_print:   graph reallocs =          0    /     0        (same size)
            LOG
            """;

    @TempDir
    static Path folder;

    @Autowired
    private CamelContext camel;

    @Autowired
    private ProducerTemplate routes;

    @Autowired
    private Ledger ledger;

    @Autowired
    private Hub hub;

    @Autowired
    private StringRedisTemplate redis;

    @Autowired
    private HttpServing http;

    private final ObjectMapper mapper = new ObjectMapper();
    private final HttpClient client = HttpClient.newHttpClient();
    private String id;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry settings) throws IOException {
        Path engine = folder.resolve("llama-completion");
        Files.writeString(engine, ENGINE);
        assertThat(engine.toFile().setExecutable(true)).isTrue();
        settings.add("flux.llama-dir", folder::toString);
        settings.add("flux.data", () -> folder.resolve("data").toString());
        settings.add("flux.redis-url", () -> RedisFixture.uri() + "/1");
    }

    @BeforeEach
    void closeTheSlot() throws Exception {
        if (camel.getRouteController().getRouteStatus("worker-slot-1").isStarted()) {
            camel.getRouteController().stopRoute("worker-slot-1");
        }
        redis.delete(redis.keys("flux:*"));
        id = RedisFixture.name("job");
    }

    @AfterEach
    void nothingIsLeftInTheHandsOfAWorker() {
        assertThat(redis.hasKey(Keys.claimed(MODEL)))
                .as("no id is stuck between pop and lease")
                .isFalse();
    }

    @Test
    void aSubmittedRequestIsAJobInTheQueue() {
        Exchange first = submit(request(id, "Hello"));
        Exchange second = submit(request("second", "Hello"));
        assertThat(first.getVariable("position")).isEqualTo(1L);
        assertThat(second.getVariable("position")).isEqualTo(2L);
        assertThat(waiting()).containsExactly("second", id);
        assertThat(redis.opsForHash().entries("flux:{" + id + "}:job"))
                .containsEntry("state", "queued")
                .containsEntry("model", MODEL)
                .containsEntry("attempt", "0")
                .containsEntry(
                        "request",
                        "{\"model\":\"routes-test\",\"prompt\":\"Hello\",\"max_tokens\":50,\"on_disconnect\":\"grace\"}");
        assertThat(redis.getExpire("flux:{" + id + "}:job"))
                .as("kept until it ends")
                .isEqualTo(-1);
    }

    @Test
    void theSameRequestTwiceIsOneJob() {
        submit(request(id, "Hello"));
        Exchange again = submit(request(id, "Hello"));
        assertThat(again.getVariable("position")).isNull();
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aRefusedSubmitLeavesNothingBehind() {
        for (String other : List.of("a", "b", "c")) {
            submit(request(other, "Hello"));
        }
        assertThat(refusal(request(id, "Hello")).event().code()).isEqualTo("overloaded");
        assertThat(refusal(new JobRequest(id, "other", "x", null, 5, null, null, null, null, null, null, null, null))
                        .event()
                        .code())
                .isEqualTo("not_found");
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        assertThat(waiting()).containsExactly("c", "b", "a");
    }

    @Test
    void anotherRequestUnderATakenIdIsAConflict() {
        submit(request(id, "Hello"));
        assertThat(refusal(request(id, "Bye")).event().code()).isEqualTo("conflict");
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void aPoppedJobIsServedAndItsLeaseEnds() throws Exception {
        submit(request(id, "Hello"));
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "complete");
        assertThat(text(id)).isEqualTo("You said: Hello");
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("stop");
        assertThat(event(id, -1).get("token_count").intValue()).isEqualTo(8);
        assertThat(state(id)).isEqualTo("done");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aFailedAttemptGoesToTheFrontOfTheQueueAndTheNextOneContinuesItsText() throws Exception {
        submit(request(id, "fail once"));
        submit(request("later", "Hello"));
        popAndServe();
        assertThat(waiting()).as("next to be served").containsExactly("later", id);
        assertThat(state(id)).isEqualTo("queued");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
        assertThat(types(id)).containsExactly("start", "token");
        popAndServe();
        assertThat(types(id)).containsExactly("start", "token", "restart", "token", "complete");
        assertThat(event(id, 2).get("mode").textValue()).isEqualTo("continue");
        assertThat(text(id)).isEqualTo("half whole");
        assertThat(waiting()).containsExactly("later");
    }

    @Test
    void aJobWithoutAnAttemptLeftIsDeadLettered() throws Exception {
        submit(request(id, "fail always"));
        popAndServe();
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
        popAndServe();
        assertThat(redis.opsForList().range(Keys.dead(MODEL), 0, -1)).containsExactly(id);
        assertThat(types(id)).containsExactly("start", "token", "restart", "token", "error");
        assertThat(event(id, -1).get("code").textValue()).isEqualTo("engine_failed");
        assertThat(state(id)).isEqualTo("done");
        assertThat(waiting()).isEmpty();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsErrorAndNotTriedAgain() throws Exception {
        submit(request(id, "prompt too long"));
        popAndServe();
        assertThat(types(id)).containsExactly("start", "error");
        assertThat(event(id, -1).get("code").textValue()).isEqualTo("prompt_too_long");
        assertThat(event(id, -1).get("field").textValue()).isEqualTo("prompt");
        assertThat(redis.hasKey(Keys.dead(MODEL))).isFalse();
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatEndedWhileItWaitedIsNotServed() throws Exception {
        submit(request(id, "Hello"));
        ledger.cancel(id, "{\"type\":\"complete\",\"seq\":", "}");
        popAndServe();
        assertThat(types(id)).containsExactly("complete");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    @Test
    void aJobThatIsPoppedTwiceRunsOnceAndKeepsItsLease() throws Exception {
        submit(request(id, "hang"));
        pop();
        Thread slot = new Thread(() -> routes.sendBody("direct:worker-claim", id));
        slot.start();
        try {
            await().until(() -> types(id).equals(List.of("start", "token")));
            redis.opsForList().leftPush(Keys.waiting(MODEL), id);
            popAndServe();
            assertThat(types(id)).containsExactly("start", "token");
            assertThat(redis.opsForZSet().score(Keys.running(MODEL), id))
                    .as("the first slot's lease")
                    .isNotNull();
        } finally {
            cancelRunning();
            slot.join();
        }
        assertThat(types(id)).containsExactly("start", "token", "complete");
    }

    @Test
    void cancellingARunningJobStopsItsEngineThroughTheWorkersChannel() throws Exception {
        submit(request(id, "hang"));
        pop();
        Thread slot = new Thread(() -> routes.sendBody("direct:worker-claim", id));
        slot.start();
        await().until(() -> types(id).contains("token"));
        cancelRunning();
        slot.join();
        assertThat(event(id, -1).get("finish_reason").textValue()).isEqualTo("cancelled");
        assertThat(redis.hasKey(Keys.running(MODEL))).isFalse();
    }

    private void cancelRunning() {
        assertThat(ledger.cancel(id, "{", "}").worker()).isEqualTo("routes-test");
        redis.convertAndSend(Keys.workerChannel("routes-test"), id);
    }

    @Test
    void theSlotPopsAndServesWhatComes() throws Exception {
        camel.getRouteController().startRoute("worker-slot-1");
        submit(request(id, "Hello"));
        await().until(() -> state(id).equals("done"));
        assertThat(text(id)).isEqualTo("You said: Hello");
        await().until(() -> !redis.hasKey(Keys.running(MODEL)));
    }

    @Test
    void badMessagesAreAnsweredAndTheConnectionStays() throws Exception {
        Door door = new Door();
        door.say("nonsense");
        door.say("{\"prompt\":\"x\",\"max_tokens\":101,\"request_id\":\"" + id + "\"}");
        door.say("{\"type\":\"cancel\",\"request_id\":\"no-such-job\"}");
        door.say("{\"type\":\"resume\",\"request_id\":\"no-such-job\"}");
        door.say("{\"prompt\":\"x\",\"model\":\"other\"}");
        await().until(() -> door.frames.size() == 5);
        assertThat(door.frames).allMatch(frame -> frame.startsWith("{\"type\":\"error\","));
        assertThat(door.frames)
                .anyMatch(frame -> frame.contains("\"request_id\":\"" + id + "\",\"code\":\"invalid_request\","
                        + "\"error\":\"max_tokens must be between 1 and 100\",\"field\":\"max_tokens\""));
        assertThat(door.frames).filteredOn(frame -> frame.contains("not_found")).hasSize(3);
        assertThat(redis.keys("flux:*")).isEmpty();
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 6);
        assertThat(door.frames.get(5)).contains("\"type\":\"ticket\"", "\"position\":1");
        popAndServe();
        await().until(() -> door.frames.size() == 9);
        assertThat(door.frames.subList(6, 9))
                .isEqualTo(ledger.read(id, 0, 10).entries().stream()
                        .map(JournalEntry::frame)
                        .toList());
        door.close();
    }

    @Test
    void aFailureInTheMiddleIsAnsweredWithoutDetailsAndTheConnectionStays() throws Exception {
        AdviceWith.adviceWith(
                camel, "gateway-resume", route -> route.weaveAddFirst().process(exchange -> {
                    throw new IllegalStateException("/secret/path");
                }));
        Door door = new Door();
        try {
            door.say("{\"type\":\"resume\",\"request_id\":\"" + id + "\"}");
            await().until(() -> door.frames.size() == 1);
            assertThat(door.frames.get(0))
                    .isEqualTo("{\"type\":\"error\",\"request_id\":\"" + id + "\",\"code\":\"internal_error\","
                            + "\"error\":\"something went wrong in Flux\"}");
        } finally {
            AdviceWith.adviceWith(
                    camel, "gateway-resume", route -> route.weaveByType(org.apache.camel.model.ProcessDefinition.class)
                            .remove());
        }
        door.say("{\"type\":\"resume\",\"request_id\":\"no-such-job\"}");
        await().until(() -> door.frames.size() == 2);
        assertThat(door.frames.get(1)).contains("not_found");
        door.close();
    }

    @Test
    void cancellingAWaitingJobEndsItAndTakesItFromTheQueue() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        door.say("{\"type\":\"cancel\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.stream().anyMatch(frame -> frame.contains("\"finish_reason\":\"cancelled\"")));
        await().untilAsserted(() -> assertThat(waiting()).containsExactly("first"));
        door.close();
    }

    @Test
    void whoWaitsHearsWhenItMovesUp() throws Exception {
        Door door = new Door();
        submit(request("first", "Hello"));
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        assertThat(door.frames.get(0)).contains("\"position\":2");
        popAndServe();
        await().until(() -> door.frames.size() == 2);
        assertThat(door.frames.get(1))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"" + id + "\",\"position\":1}");
        door.close();
    }

    @Test
    void aClientThatIsGoneIsForgotten() throws Exception {
        Door door = new Door();
        door.say("{\"prompt\":\"Hello\",\"request_id\":\"" + id + "\"}");
        await().until(() -> door.frames.size() == 1);
        assertThat(redis.opsForSet().members(Keys.followers(id))).containsExactly("flux:gateway:routes-test");
        int open = hub.connections();
        door.close();
        await().until(() -> hub.connections() == open - 1);
        await().until(() -> !redis.hasKey(Keys.followers(id)));
    }

    @Test
    void aParameterThatWouldBeAnExecHeaderIsRefusedBeforeTheUpgrade() {
        assertThatThrownBy(() -> client.newWebSocketBuilder()
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + http.port()
                                        + "/ws/generate?CamelExecCommandExecutable=/usr/bin/id"),
                                new WebSocket.Listener() {})
                        .get(10, TimeUnit.SECONDS))
                .hasMessageContaining("WebSocketHandshakeException");
    }

    @Test
    void theQueuesStateIsServed() throws Exception {
        submit(request("a", "Hello"));
        submit(request("b", "Hello"));
        HttpResponse<String> status = get("/queue/status");
        assertThat(status.statusCode()).isEqualTo(200);
        assertThat(mapper.readTree(status.body()))
                .isEqualTo(mapper.readTree("{\"queue_length\":2,\"running\":0,\"models\":[{\"model\":\"routes-test\","
                        + "\"waiting\":2,\"running\":0,\"dead\":0}]}"));
    }

    @Test
    void healthSaysWhichRouteIsDown() throws Exception {
        HttpResponse<String> health = get("/health");
        assertThat(health.statusCode()).isEqualTo(503);
        assertThat(mapper.readTree(health.body()).at("/checks/routes").textValue())
                .isEqualTo("route worker-slot-1 is stopped");
        camel.getRouteController().startRoute("worker-slot-1");
        assertThat(get("/health").body())
                .isEqualTo("{\"status\":\"up\",\"checks\":{\"redis\":\"up\",\"routes\":\"up\",\"worker\":\"up\"}}");
    }

    @Test
    void metricsCountWhatEnded() throws Exception {
        submit(request(id, "Hello"));
        popAndServe();
        HttpResponse<String> metrics = get("/metrics");
        assertThat(metrics.statusCode()).isEqualTo(200);
        assertThat(metrics.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
        assertThat(metrics.body())
                .contains("flux_jobs_total{model=\"routes-test\",outcome=\"stop\"}")
                .contains("flux_jobs_waiting{model=\"routes-test\"} 0")
                .contains("flux_tokens_total{model=\"routes-test\"}")
                .contains("flux_sockets");
    }

    /** Advice at the edge: what the dead-letter route hands to Redis, and to nobody else. */
    @Test
    void theDeadLetterIsPushedOnceForEachDeadJob() throws Exception {
        AdviceWith.adviceWith(camel, "worker-dead-letter", CamelRoutesTest::tap);
        MockEndpoint dead = camel.getEndpoint("mock:dead", MockEndpoint.class);
        dead.expectedMessageCount(1);
        dead.expectedHeaderReceived("CamelRedis.Value", id);
        dead.expectedHeaderReceived("CamelRedis.Key", Keys.dead(MODEL));
        try {
            submit(request(id, "fail always"));
            popAndServe();
            popAndServe();
            dead.assertIsSatisfied();
        } finally {
            AdviceWith.adviceWith(
                    camel, "worker-dead-letter", route -> route.weaveById("tap").remove());
        }
    }

    private static void tap(AdviceWithRouteBuilder route) {
        route.weaveByToUri("spring-redis:*").before().to("mock:dead").id("tap");
    }

    /** A client of the WebSocket door. */
    private final class Door implements WebSocket.Listener {
        private final List<String> frames = new CopyOnWriteArrayList<>();
        private final StringBuilder part = new StringBuilder();
        private final WebSocket socket;

        Door() throws Exception {
            socket = client.newWebSocketBuilder()
                    .buildAsync(URI.create("ws://127.0.0.1:" + http.port() + "/ws/generate"), this)
                    .get(10, TimeUnit.SECONDS);
        }

        void say(String message) {
            socket.sendText(message, true).join();
        }

        void close() {
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        }

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            part.append(data);
            if (last) {
                frames.add(part.toString());
                part.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    private Exchange submit(JobRequest request) {
        Exchange exchange = routes.send(
                "direct:gateway-submit", message -> message.getMessage().setBody(request));
        if (exchange.getException() != null) {
            throw new CamelExecutionException("refused", exchange, exchange.getException());
        }
        return exchange;
    }

    private Refusal refusal(JobRequest request) {
        Throwable failure = org.assertj.core.api.Assertions.catchThrowable(() -> submit(request));
        while (failure != null && !(failure instanceof Refusal)) {
            failure = failure.getCause();
        }
        assertThat(failure).isNotNull();
        return (Refusal) failure;
    }

    private static JobRequest request(String id, String prompt) {
        return new JobRequest(id, MODEL, prompt, null, 50, null, null, null, null, null, null, null, null);
    }

    /** What the slot does, once. */
    private void popAndServe() {
        routes.sendBody("direct:worker-claim", pop());
    }

    private String pop() {
        String popped = redis.opsForList().rightPopAndLeftPush(Keys.waiting(MODEL), Keys.claimed(MODEL));
        assertThat(popped).isNotNull();
        return popped;
    }

    private List<String> waiting() {
        return redis.opsForList().range(Keys.waiting(MODEL), 0, -1);
    }

    private String state(String job) {
        return ledger.read(job, 0, 1).state();
    }

    private List<JsonNode> events(String job) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (JournalEntry entry : ledger.read(job, 0, 100).entries()) {
            events.add(mapper.readTree(entry.frame()));
        }
        return events;
    }

    private JsonNode event(String job, int index) throws IOException {
        List<JsonNode> events = events(job);
        return events.get(index < 0 ? events.size() + index : index);
    }

    private List<String> types(String job) throws IOException {
        return events(job).stream().map(event -> event.get("type").textValue()).toList();
    }

    private String text(String job) throws IOException {
        StringBuilder text = new StringBuilder();
        for (JsonNode event : events(job)) {
            text.append(event.path("content").asText());
        }
        return text.toString();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
