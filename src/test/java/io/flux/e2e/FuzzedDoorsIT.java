package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.access.KeyHash;
import io.flux.docs.ApiContract;
import java.io.IOException;
import java.net.SocketException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten thousand requests that nobody should send, through every door at once, and as many clients that do not behave: Flux
 * answers what can be answered, as its documents say, and is afterwards as it was. The requests are the same each time;
 * {@code -Dflux.fuzz.seed} has others.
 */
class FuzzedDoorsIT {
    private static final long SEED = Long.getLong("flux.fuzz.seed", 20_260);
    private static final int CLIENTS = 24;
    /** Conversations over a WebSocket, with so many messages each; requests; bytes that are none; files. */
    private static final int CONVERSATIONS = 300;

    private static final int MESSAGES = 12;
    private static final int REQUESTS = 4_000;
    private static final int BROKEN = 2_400;
    private static final int FILES = 300;

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String KEY = KeyHash.newKey();
    private static final String OPERATOR = KeyHash.newKey();
    /** The answers of a server of HTTP to what is not quite HTTP, and to methods that are nobody's. */
    private static final Set<Integer> REFUSALS = Set.of(400, 401, 403, 404, 405, 411, 413, 414, 415, 417, 426, 431);

    /** Answers at once, whatever it is asked. */
    private static final String ENGINE =
            """
            #!/bin/sh
            cat > /dev/null
            printf 'Salt [end of text]\\n\\n'
            cat >&2 <<'LOG'
            0.00.062.392 I common_perf_print: prompt eval time =       2.23 ms /    12 tokens (    0.19 ms per token)
            0.00.062.393 I common_perf_print:        eval time =       1.85 ms /     7 runs   (    0.26 ms per token)
            0.00.062.395 I common_perf_print:   graph reallocs =          0    /     0        (same size)
            LOG
            """;

    @TempDir
    static Path folder;

    private static final ApiContract CONTRACT = new ApiContract();
    private static Path inbox;
    private static TestRedis redis;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws IOException {
        Path engine = Files.createDirectory(folder.resolve("engine"));
        assertThat(Files.writeString(engine.resolve("llama-completion"), ENGINE)
                        .toFile()
                        .setExecutable(true))
                .isTrue();
        inbox = Files.createDirectory(folder.resolve("inbox"));
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"),
                "keys:\n  - {tenant: acme, sha256: \"" + KeyHash.hex(KEY)
                        + "\"}\n  - {tenant: ops, operator: true, sha256: \"" + KeyHash.hex(OPERATOR) + "\"}\n");
        redis = TestRedis.empty();
        flux = RunningFlux.named("fuzzed")
                .redis(redis)
                // So that what is kept of ended jobs is gone within the test.
                .set("FLUX_RETENTION", "10s")
                .llamaCompletion(engine)
                .impatient()
                .java("-Xmx256m")
                .set("FLUX_TEMPLATE", "none")
                .set("FLUX_KEYS", keys)
                .set("FLUX_SLOTS", 2)
                .set("FLUX_QUEUE_LIMIT", 50)
                .set("FLUX_GRACE", "300ms")
                .set("FLUX_GRACE_RENEWAL", "100ms")
                .set("FLUX_INBOX", inbox)
                .set("FLUX_FEED_TENANT", "acme")
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void tenThousandMalformedRequestsLeaveNothingBehind() throws Exception {
        everyDoorWorks("before");
        fuzz(0, 20);
        calmDown();
        Footprint before = Footprint.of(flux, redis);

        fuzz(20, 1);
        fuzzInbox();
        calmDown();

        before.awaitBackHere(flux, redis);
        everyDoorWorks("after");
        assertThat(flux.isAlive()).isTrue();
        assertThat(flux.log()
                        .lines()
                        .filter(line -> line.startsWith("\tat ")
                                || line.contains(" ERROR ")
                                || line.contains(" WARN ") && !line.contains("connectors-inbox cannot answer")))
                .isEmpty();
        assertThat(flux.log().contains(KEY) || flux.log().contains(OPERATOR))
                .as("a key is in the log")
                .isFalse();
    }

    /** One part of all that there is to send, or all that is left of it. */
    private static void fuzz(int part, int share) throws Exception {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < CONVERSATIONS / share; i++) {
            long seed = seed(part, 1, i);
            tasks.add(() -> play(seed, FuzzedDoorsIT::converse));
        }
        for (int i = 0; i < REQUESTS / share; i++) {
            long seed = seed(part, 2, i);
            tasks.add(() -> play(seed, FuzzedDoorsIT::request));
        }
        for (int i = 0; i < BROKEN / share; i++) {
            long seed = seed(part, 3, i);
            tasks.add(() -> play(seed, FuzzedDoorsIT::breakOff));
        }
        // All kinds at the same time.
        Collections.shuffle(tasks, new Random(SEED));
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<Throwable> failures = new ArrayList<>();
            for (Future<Void> played : clients.invokeAll(tasks)) {
                try {
                    played.get();
                } catch (ExecutionException e) {
                    failures.add(e.getCause());
                }
            }
            assertThat(failures.stream().limit(5).map(Throwable::getMessage)).isEmpty();
        } finally {
            clients.shutdownNow();
        }
    }

    private static long seed(int part, int kind, int number) {
        return SEED + part * 1_000_000L + kind * 100_000L + number;
    }

    private interface Game {
        void play(Fuzz fuzz) throws IOException;
    }

    private static Void play(long seed, Game game) {
        try {
            game.play(new Fuzz(seed));
            return null;
        } catch (IOException | RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + SEED + ", of this one " + seed + ": " + e, e);
        }
    }

    /** Messages over a WebSocket; or frames that are against its protocol. */
    private static void converse(Fuzz fuzz) throws IOException {
        try (RawClient client = new RawClient(flux.port())) {
            client.upgrade(KEY);
            for (int i = 0; i < MESSAGES; i++) {
                byte[] message = fuzz.message();
                int opcode = fuzz.chance(70) ? 1 : 2;
                // Vert.x loses a message whose first frame is empty.
                if (message.length > 1 && fuzz.chance(20)) {
                    int half = message.length / 2;
                    client.frame(opcode, false, Arrays.copyOf(message, half));
                    client.frame(0, true, Arrays.copyOfRange(message, half, message.length));
                } else {
                    client.frame(opcode, true, message);
                }
            }
            switch (fuzz.below(6)) {
                case 0 -> client.vanish();
                case 1 -> client.frame(3 + fuzz.below(5), true, fuzz.bytes(20));
                case 2 -> client.send(fuzz.bytes(40));
                case 3 -> client.frame(8, true, fuzz.bytes(10));
                case 4 -> client.finish();
                default -> {
                    client.frame(
                            1, true, "{\"type\":\"models\",\"request_id\":\"last\"}".getBytes(StandardCharsets.UTF_8));
                    String frame = client.text();
                    // Null: one of them was no UTF-8, which a text frame must be.
                    while (frame != null && !frame.contains("\"request_id\":\"last\"")) {
                        assertThat(ApiContract.problems(FluxClient.JSON.readTree(frame)))
                                .as(frame)
                                .isEmpty();
                        frame = client.text();
                    }
                }
            }
        } catch (SocketException e) {
            // Flux may close first: what it was sent was no WebSocket any more.
        }
    }

    /** One request, and its answer; or a client that does not wait for it. */
    private static void request(Fuzz fuzz) throws IOException {
        Fuzz.Request request = fuzz.request(List.of(KEY, KEY, KEY, OPERATOR));
        boolean stays = fuzz.chance(90);
        try (RawClient client = new RawClient(flux.port())) {
            client.send(request.bytes());
            if (!stays) {
                client.vanish();
                return;
            }
            ApiContract.Answer answer = client.answer(request.method(), request.path());
            String said = request + "\n→ " + answer.status() + " " + answer.body();
            if (isDocumented(request)) {
                List<String> problems = CONTRACT.problems(answer);
                assertThat(problems.isEmpty() || REFUSALS.contains(answer.status()))
                        .as(problems + "\n" + said)
                        .isTrue();
            } else {
                assertThat(answer.status()).as(said).isLessThan(500);
            }
        }
    }

    private static boolean isDocumented(Fuzz.Request request) {
        return Set.of("GET", "POST", "DELETE").contains(request.method())
                && ApiContract.documented().stream()
                        .map(answer -> answer.split(" "))
                        .anyMatch(parts -> parts[0].equalsIgnoreCase(request.method())
                                && request.path().matches(parts[1].replaceAll("\\{\\w+}", "[^/]+")));
    }

    /** Bytes that are no request, or not all of one. */
    private static void breakOff(Fuzz fuzz) throws IOException {
        try (RawClient client = new RawClient(flux.port())) {
            client.send(fuzz.broken(List.of(KEY)));
            if (fuzz.chance(50)) {
                client.finish();
                assertThat(client.rest()).doesNotContain("HTTP/1.1 5");
            } else if (fuzz.chance(50)) {
                client.vanish();
            }
        } catch (SocketException e) {
            // Flux may close first.
        }
    }

    /** Files that are no questions, among some that are. */
    private static void fuzzInbox() throws IOException {
        Fuzz fuzz = new Fuzz(SEED);
        for (int i = 0; i < FILES; i++) {
            Map.Entry<String, byte[]> file = fuzz.file();
            Path whole = Files.write(folder.resolve("next"), file.getValue());
            Files.move(whole, inbox.resolve("fuzz-" + i + file.getKey()), StandardCopyOption.ATOMIC_MOVE);
        }
        await("the inbox to be empty").atMost(PATIENCE).untilAsserted(() -> assertThat(
                        filesIn(inbox.resolve("done")) + filesIn(inbox.resolve("failed")) / 2)
                .isGreaterThanOrEqualTo(FILES / 2));
    }

    private static long filesIn(Path of) throws IOException {
        if (!Files.exists(of)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(of)) {
            return files.count();
        }
    }

    /** Waits until every client has gone and every job has ended. */
    private static void calmDown() {
        await("no connection is open").atMost(PATIENCE).untilAsserted(() -> assertThat(
                        get("/metrics").body().lines().filter(line -> line.startsWith("flux_sockets ")))
                .containsExactly("flux_sockets 0.0"));
        await("no job is left").atMost(PATIENCE).untilAsserted(() -> assertThat(
                        get("/queue/status").body())
                .contains("\"queue_length\":0,\"running\":0"));
    }

    private static HttpResponse<String> get(String path) {
        return flux.send(HttpRequest.newBuilder(flux.http(path))
                .header("Authorization", "Bearer " + OPERATOR)
                .build());
    }

    private static void everyDoorWorks(String when) throws IOException {
        assertThat(get("/health").statusCode()).isEqualTo(200);
        String id = "good-" + when;
        try (FluxSocket client = FluxSocket.connect(flux.webSocket(""), Map.of("Authorization", "Bearer " + KEY))) {
            client.ask(id, "x");
            client.awaitEnd(id);
            assertThat(client.text(id)).isEqualTo("Salt");
        }
        String prompt = "{\"prompt\":\"x\"}";
        assertThat(post("/api/generate", prompt)).contains("\"text\":\"Salt\"");
        assertThat(post("/v1/completions", prompt)).contains("\"text\":\"Salt\"");
        assertThat(post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"))
                .contains("\"content\":\"Salt\"");
        assertThat(post("/v1/jobs", "{\"prompt\":\"x\",\"request_id\":\"job-" + when + "\"}"))
                .contains("\"state\":\"");
        HttpResponse<String> events = flux.send(HttpRequest.newBuilder(flux.http("/v1/jobs/job-" + when + "/events"))
                .header("Authorization", "Bearer " + KEY)
                .build());
        assertThat(events.body()).contains("event: complete");
        Files.writeString(inbox.resolve("good-" + when + ".txt"), "x");
        await("an answered file")
                .atMost(PATIENCE)
                .until(() -> Files.exists(inbox.resolve("good-" + when + ".answer.txt")));
        assertThat(inbox.resolve("good-" + when + ".answer.txt")).hasContent("Salt");
    }

    private static String post(String path, String body) {
        return flux.send(HttpRequest.newBuilder(flux.http(path))
                        .header("Authorization", "Bearer " + KEY)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build())
                .body();
    }
}
