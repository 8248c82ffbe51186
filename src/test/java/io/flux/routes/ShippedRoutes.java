package io.flux.routes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Caller;
import io.flux.gateway.Hub;
import io.flux.http.HttpServing;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Requests;
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
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/**
 * The shipped routes with a real Redis and a real process as engine: a script that does what its prompt says. The pop
 * loop and the reaper are cut off at their edges, so that a test sees what is between two steps.
 */
@CamelSpringBootTest
@TestPropertySource(
        properties = {
            "flux.port=0",
            "flux.routes=routes",
            "flux.engine=llama-completion",
            "flux.template=none",
            "flux.model=routes-test"
        })
@DirtiesContext
@Timeout(60)
abstract class ShippedRoutes {
    static final String MODEL = "routes-test";

    /** Plays llama-completion; the prompt says how it goes. */
    private static final String ENGINE =
            """
            #!/bin/sh
            echo "$@" >> "$(dirname "$0")/runs"
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

    /** Plays llama-tokenize: each byte is a token. */
    private static final String TOKENIZER = "#!/bin/sh\necho \"Total number of tokens: $(wc -c)\"\n";

    @TempDir
    static Path folder;

    @Autowired
    CamelContext camel;

    @Autowired
    ProducerTemplate routes;

    @Autowired
    Ledger ledger;

    @Autowired
    Hub hub;

    @Autowired
    StringRedisTemplate redis;

    @Autowired
    HttpServing http;

    final ObjectMapper mapper = new ObjectMapper();
    final HttpClient client = HttpClient.newHttpClient();
    private final List<Door> doors = new ArrayList<>();
    String id;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry settings) throws IOException {
        program("llama-completion", ENGINE);
        program("llama-tokenize", TOKENIZER);
        settings.add("flux.llama-dir", folder::toString);
        settings.add("flux.data", () -> folder.resolve("data").toString());
        settings.add("flux.redis-url", () -> RedisFixture.uri() + "/1");
    }

    private static void program(String name, String script) throws IOException {
        Path file = Files.writeString(folder.resolve(name), script);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    @BeforeEach
    void closeTheSlotAndSendTheReaperAway() throws Exception {
        for (String route : List.of("worker-slot-1", "common-reap")) {
            if (camel.getRouteController().getRouteStatus(route).isStarted()) {
                camel.getRouteController().stopRoute(route);
            }
        }
        Files.writeString(folder.resolve("runs"), "");
        redis.delete(redis.keys("flux:*"));
        id = RedisFixture.name("job");
    }

    @AfterEach
    void everyClientIsGone() {
        doors.forEach(door -> door.socket.abort());
        await().atMost(20, TimeUnit.SECONDS).until(() -> hub.connections() == 0);
    }

    @AfterEach
    void thereIsNoTicketTooMany() {
        assertThat(redis.opsForList().size(Keys.waiting(MODEL)))
                .isLessThanOrEqualTo(waiting().size());
    }

    /** A client of the WebSocket door. */
    final class Door implements WebSocket.Listener {
        final List<String> frames = new CopyOnWriteArrayList<>();
        private final StringBuilder part = new StringBuilder();
        private final WebSocket socket;

        Door() throws Exception {
            socket = client.newWebSocketBuilder()
                    .buildAsync(URI.create("ws://127.0.0.1:" + http.port() + "/ws/generate"), this)
                    .get(10, TimeUnit.SECONDS);
            doors.add(this);
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

    Exchange submit(JobRequest request) {
        Exchange exchange = routes.send("direct:gateway-submit", message -> {
            message.setVariable("caller", Caller.ANYBODY);
            message.getMessage().setBody(request);
        });
        if (exchange.getException() != null) {
            throw new CamelExecutionException("refused", exchange, exchange.getException());
        }
        return exchange;
    }

    static JobRequest request(String id, String prompt) {
        return request(id, prompt, null, null);
    }

    static JobRequest request(String id, String prompt, Long timeoutMs, OnDisconnect onDisconnect) {
        return Requests.prompt(id, MODEL, prompt, 50, timeoutMs, onDisconnect);
    }

    /** The arguments of every engine that was started in this test. */
    List<String> runs() throws IOException {
        return Files.readAllLines(folder.resolve("runs"));
    }

    /** Has a route do its part for a job, or for a ticket. */
    void step(String route, String job) {
        Exchange exchange = routes.send("direct:" + route, message -> {
            message.setVariable("model", MODEL);
            message.getMessage().setBody(job);
        });
        if (exchange.getException() != null) {
            throw new CamelExecutionException(route, exchange, exchange.getException());
        }
    }

    /** What the slot does, once. */
    void popAndServe() {
        step("worker-claim", pop());
    }

    /** A ticket for the next job. */
    String pop() {
        String ticket = redis.opsForList().rightPop(Keys.waiting(MODEL));
        assertThat(ticket).isNotNull();
        return ticket;
    }

    /** The next one first. */
    List<String> waiting() {
        return ledger.order(MODEL);
    }

    String state(String job) {
        return ledger.read(job, 0, 1).state();
    }

    List<JsonNode> events(String job) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (JournalEntry entry : ledger.read(job, 0, 100).entries()) {
            events.add(mapper.readTree(entry.frame()));
        }
        return events;
    }

    JsonNode event(String job, int index) throws IOException {
        List<JsonNode> events = events(job);
        return events.get(index < 0 ? events.size() + index : index);
    }

    List<String> types(String job) throws IOException {
        return events(job).stream().map(event -> event.get("type").textValue()).toList();
    }

    String text(String job) throws IOException {
        StringBuilder text = new StringBuilder();
        for (JsonNode event : events(job)) {
            text.append(event.path("content").asText());
        }
        return text.toString();
    }

    HttpResponse<String> get(String path) throws Exception {
        return ask("GET", path);
    }

    HttpResponse<String> ask(String method, String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
