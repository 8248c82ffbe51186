package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Plays every example of {@code docs/protocol.md} against a running Flux: a process of its own, with its own Redis and the
 * bundled engine. The document says, under "How to read the examples", what the lines mean. What Flux answers keeps to the
 * documents in {@code docs/api} besides.
 */
class ProtocolExamplesIT {
    private static final Path DOCUMENT = Path.of("docs/protocol.md");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ApiContract CONTRACT = new ApiContract();

    private static Process flux;
    private static URI address;

    @BeforeAll
    static void start() throws IOException {
        Path folder = Files.createDirectories(Path.of("target", "docs-flux"));
        Path log = folder.resolve("flux.log");
        Path data = Files.createTempDirectory(folder, "data");
        flux = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        classPath(),
                        "io.flux.FluxApplication",
                        "--flux.port=0",
                        "--flux.data=" + data)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            Pattern ready = Pattern.compile("Flux gateway ready at (http://\\S+)");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .failFast("Flux has ended: " + log, () -> !flux.isAlive())
                    .until(() -> {
                        String text = Files.readString(log);
                        Matcher matcher = ready.matcher(text);
                        if (matcher.find() && text.contains("Flux worker ready")) {
                            address = URI.create(matcher.group(1));
                        }
                        return address != null;
                    });
            bury("broken-1", Files.readString(log), data);
        } catch (RuntimeException | Error e) {
            stop();
            throw e;
        }
    }

    /** Leaves a dead letter, as a worker does whose engine has failed three times: the bundled engine does not. */
    private static void bury(String id, String log, Path data) throws IOException {
        Matcher redis = Pattern.compile("Embedded Redis at ([0-9.]+:[0-9]+)").matcher(log);
        assertThat(redis.find()).isTrue();
        String password =
                Files.readString(data.resolve("redis").resolve("password")).strip();
        RedisClient client = RedisClient.create("redis://:" + password + "@" + redis.group(1));
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            Map<String, String> job = new HashMap<>();
            job.put("model", "default");
            job.put("state", "done");
            job.put("seq", "0");
            job.put("created_ms", "1700000000000");
            job.put(
                    "request",
                    "{\"model\":\"default\",\"prompt\":\"What is Redis?\",\"max_tokens\":32,\"temperature\":0.0,"
                            + "\"on_disconnect\":\"grace\"}");
            job.put(
                    "failure",
                    "{\"code\":\"engine_failed\",\"error\":\"the engine exited with code 3\",\"attempts\":3,"
                            + "\"exit_code\":3,\"stderr\":\"out of luck\",\"worker\":\"w\",\"died_ms\":1700000009000}");
            connection.sync().hset("flux:{" + id + "}:job", job);
            connection.sync().lpush("flux:{default}:dead", id);
        } finally {
            client.shutdown();
        }
    }

    /** Without empty entries: one means the working directory, whose routes would be loaded besides the compiled ones. */
    private static String classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .collect(Collectors.joining(File.pathSeparator));
    }

    @AfterAll
    static void stop() {
        flux.destroy();
        try {
            if (!flux.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                flux.destroyForcibly();
            }
        } catch (InterruptedException e) {
            flux.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    @TestFactory
    Stream<DynamicTest> everyExampleHappensAsWritten() throws IOException {
        return examples()
                .map(example -> DynamicTest.dynamicTest(example.title(), () -> {
                    if (example.kind().equals("http")) {
                        playHttp(example);
                    } else {
                        playWebSocket(example);
                    }
                }));
    }

    /** A fence that is misspelt would silently not be played. */
    @Test
    void everyFenceOfTheDocumentIsAnExampleOrSaysWhatElseItIs() throws IOException {
        List<String> fences = Files.readAllLines(DOCUMENT).stream()
                .filter(line -> line.startsWith("```") && line.length() > 3)
                .map(line -> line.substring(3))
                .distinct()
                .toList();
        assertThat(fences).containsExactlyInAnyOrder("ws", "http", "text");
        assertThat(examples()).hasSizeGreaterThan(10);
    }

    /**
     * @param title the heading that it stands under, and its line
     * @param kind {@code ws} or {@code http}
     */
    private record Example(String title, String kind, List<String> lines) {}

    private static Stream<Example> examples() throws IOException {
        List<Example> examples = new ArrayList<>();
        String heading = "";
        Example open = null;
        int number = 0;
        for (String line : Files.readAllLines(DOCUMENT)) {
            number++;
            if (open != null && line.equals("```")) {
                examples.add(open);
                open = null;
            } else if (open != null) {
                if (!line.isBlank()) {
                    open.lines().add(line.strip());
                }
            } else if (line.equals("```ws") || line.equals("```http")) {
                open = new Example(heading + " (line " + number + ")", line.substring(3), new ArrayList<>());
            } else if (line.startsWith("#")) {
                heading = line.replaceFirst("#+ ", "");
            }
        }
        return examples.stream();
    }

    // HTTP: "→ GET /path" with "→ Header: value" lines and "→ {json}" for a body, then "← status {json}", or "← status"
    // for no body.

    private static void playHttp(Example example) {
        HttpRequest.Builder request = HttpRequest.newBuilder();
        for (String line : example.lines()) {
            String rest = line.substring(1).strip();
            if (line.startsWith("→") && rest.startsWith("{")) {
                request.method(request.build().method(), HttpRequest.BodyPublishers.ofString(rest));
            } else if (line.startsWith("→") && rest.matches("[A-Z]+ /.*")) {
                String[] words = rest.split(" ");
                request = HttpRequest.newBuilder(address.resolve(words[1]))
                        .method(words[0], HttpRequest.BodyPublishers.noBody());
            } else if (line.startsWith("→")) {
                String[] header = rest.split(": ", 2);
                request.header(header[0], header[1]);
            } else if (line.startsWith("←")) {
                HttpRequest sent = request.build();
                // What the example before has left behind may take a moment to settle.
                Awaitility.await(line).atMost(PATIENCE).untilAsserted(() -> answers(sent, line, rest.split(" ", 2)));
            } else {
                throw new AssertionError("not a line of an example: " + line);
            }
        }
    }

    private static void answers(HttpRequest request, String line, String[] expected)
            throws IOException, InterruptedException {
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(line).isEqualTo(Integer.parseInt(expected[0]));
        CONTRACT.check(new ApiContract.Answer(
                request.method(), request.uri().getPath(), response.statusCode(), response.headers(), response.body()));
        if (expected.length == 1) {
            assertThat(response.body()).as(line).isEmpty();
        } else {
            mustMatch(line, expected[1], response.body(), new HashMap<>());
        }
    }

    // WebSocket: "→ message", "← event", "…" (any number of token events), "× " (the client closes). A letter before
    // the
    // arrow names the connection.

    private static final Pattern LINE = Pattern.compile("([a-z]?)([→←×…]) ?(.*)");

    private static void playWebSocket(Example example) {
        Map<String, Client> clients = new LinkedHashMap<>();
        Map<String, String> names = new HashMap<>();
        try {
            for (String line : example.lines()) {
                Matcher parts = LINE.matcher(line);
                if (!parts.matches()) {
                    throw new AssertionError("not a line of an example: " + line);
                }
                Client client = clients.computeIfAbsent(parts.group(1), key -> new Client());
                switch (parts.group(2)) {
                    case "→" -> client.say(named(parts.group(3), names));
                    case "←" -> client.expect(line, parts.group(3), names);
                    case "…" -> client.skipTokens = true;
                    default -> client.leave();
                }
            }
            clients.values().forEach(Client::expectNothingMore);
        } finally {
            clients.values().forEach(Client::leave);
        }
    }

    /** A message with the values that were bound to its {@code <names>}. */
    private static String named(String message, Map<String, String> names) {
        String text = message;
        for (Map.Entry<String, String> name : names.entrySet()) {
            text = text.replace(name.getKey(), name.getValue());
        }
        return text;
    }

    private static final class Client implements WebSocket.Listener {
        private final List<JsonNode> received = new ArrayList<>();
        private final List<String> undocumented = new ArrayList<>();
        private final StringBuilder partial = new StringBuilder();
        private final WebSocket socket;
        private boolean skipTokens;

        Client() {
            socket = HTTP.newWebSocketBuilder()
                    .buildAsync(URI.create(address.toString().replace("http", "ws") + "/ws/generate"), this)
                    .join();
        }

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            partial.append(data);
            if (last) {
                JsonNode event = parse(partial.toString());
                partial.setLength(0);
                synchronized (received) {
                    received.add(event);
                    undocumented.addAll(ApiContract.problems(event));
                }
            }
            from.request(1);
            return null;
        }

        void say(String message) {
            socket.sendText(message, true).join();
        }

        void leave() {
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "")
                    .exceptionally(e -> socket)
                    .join();
            socket.abort();
        }

        /** The job's next event, or for an error without a job the next one of those, must be that one. */
        void expect(String line, String expected, Map<String, String> names) {
            String id = parse(named(expected, names)).path("request_id").asText();
            boolean anyJob = id.equals("…") || id.startsWith("<");
            Awaitility.await(line)
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> next(id, anyJob, false) != null);
            mustMatch(line, named(expected, names), next(id, anyJob, true).toString(), names);
            skipTokens = false;
        }

        /** Order holds for each job; what comes of different jobs may be mixed. Positions depend on the clock. */
        private JsonNode next(String id, boolean anyJob, boolean take) {
            synchronized (received) {
                Iterator<JsonNode> events = received.iterator();
                while (events.hasNext()) {
                    JsonNode event = events.next();
                    boolean ours = anyJob || event.path("request_id").asText().equals(id);
                    String type = event.path("type").asText();
                    if (!ours || type.equals("position") || (skipTokens && type.equals("token"))) {
                        continue;
                    }
                    if (take) {
                        dropTokensBefore(event);
                    }
                    return event;
                }
                return null;
            }
        }

        private void dropTokensBefore(JsonNode event) {
            String id = event.path("request_id").asText();
            int at = indexOf(event);
            received.remove(at);
            for (int i = at - 1; i >= 0; i--) {
                JsonNode before = received.get(i);
                if (before.path("request_id").asText().equals(id)) {
                    received.remove(i);
                }
            }
        }

        private int indexOf(JsonNode event) {
            for (int i = 0; i < received.size(); i++) {
                if (received.get(i) == event) {
                    return i;
                }
            }
            throw new IllegalStateException("an event has gone: " + event);
        }

        void expectNothingMore() {
            synchronized (received) {
                assertThat(undocumented).as("what asyncapi.json has not").isEmpty();
                assertThat(received)
                        .as("events that the example does not show")
                        .allMatch(event -> event.path("type").asText().equals("position")
                                || (skipTokens && event.path("type").asText().equals("token")));
            }
        }
    }

    // Matching: what is written must be there, and nothing else may be.

    private static void mustMatch(String line, String expected, String actual, Map<String, String> names) {
        match(line + "\nbut was " + actual, parse(expected), parse(actual), names);
    }

    private static void match(String line, JsonNode expected, JsonNode actual, Map<String, String> names) {
        if (expected.isTextual() && expected.textValue().equals("…?")) {
            return;
        }
        if (expected.isTextual() && expected.textValue().equals("…")) {
            assertThat(actual.isMissingNode() || actual.isNull()).as(line).isFalse();
        } else if (expected.isTextual() && expected.textValue().matches("<\\w+>")) {
            assertThat(actual.isTextual()).as(line).isTrue();
            names.putIfAbsent(expected.textValue(), actual.textValue());
            assertThat(actual.textValue()).as(line).isEqualTo(names.get(expected.textValue()));
        } else if (expected.isObject()) {
            assertThat(actual.isObject()).as(line).isTrue();
            expected.fieldNames()
                    .forEachRemaining(field -> match(line, expected.get(field), orMissing(actual.get(field)), names));
            actual.fieldNames().forEachRemaining(field -> assertThat(expected.has(field))
                    .as("%s%nthe example does not show the field %s", line, field)
                    .isTrue());
        } else if (expected.isArray()) {
            assertThat(actual.size()).as(line).isEqualTo(expected.size());
            for (int i = 0; i < expected.size(); i++) {
                match(line, expected.get(i), actual.get(i), names);
            }
        } else {
            assertThat(actual).as(line).isEqualTo(expected);
        }
    }

    private static JsonNode orMissing(JsonNode node) {
        return node == null ? MissingNode.getInstance() : node;
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + json, e);
        }
    }
}
