package io.flux.e2e;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A client: says JSON, and keeps every event that comes back, in order. */
final class FluxSocket implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final List<JsonNode> events = new CopyOnWriteArrayList<>();
    private volatile boolean closed;
    private volatile int closeCode;
    private volatile boolean paused;
    private WebSocket socket;

    private FluxSocket() {}

    static FluxSocket connect(URI address) {
        return connect(address, Map.of());
    }

    /** @param headers of the handshake */
    static FluxSocket connect(URI address, Map<String, String> headers) {
        FluxSocket client = new FluxSocket();
        WebSocket.Builder builder = CLIENT.newWebSocketBuilder();
        headers.forEach(builder::header);
        client.socket = builder.buildAsync(address, client.new Listener()).join();
        return client;
    }

    /** The HTTP status that a handshake is answered with. */
    static int handshakeStatus(URI address, Map<String, String> headers) {
        try {
            connect(address, headers).close();
            return 101;
        } catch (CompletionException e) {
            if (e.getCause() instanceof WebSocketHandshakeException refused) {
                return refused.getResponse().statusCode();
            }
            throw e;
        }
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder partial = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            partial.append(data);
            if (last) {
                try {
                    events.add(JSON.readTree(partial.toString()));
                } catch (JsonProcessingException e) {
                    throw new IllegalStateException("not JSON: " + partial, e);
                }
                partial.setLength(0);
            }
            if (!paused) {
                webSocket.request(1);
            }
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            closeCode = statusCode;
            closed = true;
            return null;
        }

        @Override
        public void onError(WebSocket webSocket, Throwable error) {
            closed = true;
        }
    }

    /** Sends a text message, JSON or not. */
    void say(String message) {
        socket.sendText(message, true).join();
    }

    /** Sends a binary message. */
    void say(ByteBuffer message) {
        socket.sendBinary(message, true).join();
    }

    /** Cancels a job. */
    void cancel(String id) {
        say(JSON.createObjectNode().put("type", "cancel").put("request_id", id).toString());
    }

    /** Follows a job from an event on. */
    void resume(String id, long after) {
        say(JSON.createObjectNode()
                .put("type", "resume")
                .put("request_id", id)
                .put("after", after)
                .toString());
    }

    /** Asks for a job under this id. */
    void ask(String id, String prompt) {
        say(JSON.createObjectNode().put("request_id", id).put("prompt", prompt).toString());
    }

    /** Asks for a job and waits until an engine works on it. */
    void askAndStart(String id, String prompt) {
        ask(id, prompt);
        await(id, "start");
    }

    /** Asks for a job with more fields than a prompt: JSON without its braces. */
    void ask(String id, String prompt, String more) {
        say(JSON.createObjectNode()
                .put("request_id", id)
                .put("prompt", prompt)
                .toString()
                .replaceFirst("}$", "," + more + "}"));
    }

    /** Reads nothing any more, as a program that is busy elsewhere: what comes stays in the network's buffers. */
    void pause() {
        paused = true;
    }

    /** Reads again. */
    void unpause() {
        paused = false;
        socket.request(1);
    }

    /** What the other side has closed the connection with; 0 before. */
    int closeCode() {
        return closeCode;
    }

    boolean isClosed() {
        return closed;
    }

    /** Everything that came so far. */
    List<JsonNode> events() {
        return List.copyOf(events);
    }

    /** What came so far of one job. */
    List<JsonNode> events(String id) {
        return events.stream()
                .filter(event -> event.path("request_id").asText().equals(id))
                .toList();
    }

    /** What came so far of one job and one type. */
    List<JsonNode> events(String id, String type) {
        return events(id).stream().filter(event -> type(event).equals(type)).toList();
    }

    /** The text of a job as far as it came. */
    String text(String id) {
        return events(id, "token").stream()
                .map(event -> event.path("content").asText())
                .collect(Collectors.joining());
    }

    /** The first event of this job and type, now or as soon as it comes. */
    JsonNode await(String id, String type) {
        return await(
                type + " of " + id,
                event -> type(event).equals(type)
                        && event.path("request_id").asText().equals(id));
    }

    /** The first event that matches, now or as soon as it comes. */
    JsonNode await(String what, Predicate<JsonNode> wanted) {
        try {
            return Awaitility.await(what)
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> events.stream().filter(wanted).findFirst().orElse(null), event -> event != null);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(what + " did not come; the last that came: " + lastEvents(), e);
        }
    }

    /** The event that comes after so many others, now or as soon as it comes. */
    JsonNode awaitNext(int eventsBefore) {
        return Awaitility.await("an answer")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> events.size() > eventsBefore ? events.get(eventsBefore) : null, event -> event != null);
    }

    /** The event that ends a job. */
    JsonNode awaitEnd(String id) {
        return await(
                "the end of " + id,
                event -> isEnd(event) && event.path("request_id").asText().equals(id));
    }

    /** Asserts that a job's events are numbered from {@code first} on, without a hole or a repeat. */
    void assertGapless(String id, long first) {
        List<Long> numbers = events(id).stream()
                .filter(event -> event.has("seq"))
                .map(event -> event.path("seq").asLong())
                .toList();
        Assertions.assertThat(numbers)
                .as("seq of %s", id)
                .containsExactlyElementsOf(
                        LongStream.range(first, first + numbers.size()).boxed().toList());
    }

    static String type(JsonNode event) {
        return event.path("type").asText();
    }

    private static boolean isEnd(JsonNode event) {
        return event.has("seq")
                && (type(event).equals("complete") || type(event).equals("error"));
    }

    private List<JsonNode> lastEvents() {
        List<JsonNode> all = events();
        return all.subList(Math.max(0, all.size() - 5), all.size());
    }

    @Override
    public void close() {
        if (!closed) {
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "")
                    .exceptionally(gone -> null)
                    .join();
        }
        socket.abort();
    }
}
