package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that take all they can of a Flux with a small heap, and a Redis that is frozen, full or a replica. */
class LimitsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int CLIENTS = 200;

    @TempDir
    static Path folder;

    private static OwnRedis redis;
    private static FakeEngine engine;
    private static RunningFlux flux;

    private final List<Socket> sockets = new ArrayList<>();

    @BeforeAll
    static void start() throws IOException {
        redis = new OwnRedis(folder, Map.of());
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("limits")
                .set("FLUX_REDIS_URL", redis.url())
                .engine(engine)
                .set("FLUX_MODEL", "default")
                .set("FLUX_SLOTS", 2)
                .set("FLUX_PING", "1s")
                .set("SPRING_DATA_REDIS_TIMEOUT", "2s")
                .java("-Xmx96m")
                .start();
    }

    @AfterAll
    static void stop() {
        RunningFlux.closeAll(flux);
        if (redis != null) {
            redis.close();
        }
    }

    @AfterEach
    void leaveAndSeeThatItIsWell() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(flux.get("/health").statusCode()).isEqualTo(200);
            assertThat(flux.get("/metrics").body()).contains("flux_sockets 0", "flux_jobs_followed 0");
        });
        assertThat(flux.log()).doesNotContain("OutOfMemoryError");
        assertServed();
    }

    private Socket send(String text) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), flux.port());
        socket.setSoTimeout((int) PATIENCE.toMillis());
        sockets.add(socket);
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    private static String post(String path, String body) {
        return "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static HttpResponse<String> submit() {
        return flux.send(HttpRequest.newBuilder(flux.http("/v1/jobs"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"echo served\\n\"}"))
                .build());
    }

    private static void assertServed() {
        HttpResponse<String> answer = flux.send(HttpRequest.newBuilder(flux.http("/api/generate"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"echo served\\n\"}"))
                .build());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).contains("\"served\"");
    }

    @Test
    void halfBodiesLargerThanTheHeapTakeNothingFromOthers() throws IOException {
        String half =
                "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 262000\r\n\r\n" + "x".repeat(250_000);
        int rejected = 0;
        for (int i = 0; i < 800; i++) {
            try {
                send(half);
            } catch (IOException e) {
                rejected++; // while it was sending
            }
            if (i % 200 == 0) {
                assertServed();
            }
        }
        assertServed();
        assertThat(rejected).isLessThan(800);
    }

    @Test
    void aWebSocketThatAsksWithoutEndAndNeverReadsIsClosedAndOthersAreServed() throws Exception {
        Socket socket =
                send("GET /ws/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
        String message = "{\"type\":\"models\"}";
        byte[] frame = ("\u0081" + (char) (0x80 | message.length()) + "\0\0\0\0" + message)
                .getBytes(StandardCharsets.ISO_8859_1);
        Thread attacker = new Thread(() -> {
            try {
                while (true) {
                    socket.getOutputStream().write(frame);
                }
            } catch (IOException closed) {
                // as it is to be
            }
        });
        attacker.setDaemon(true);
        attacker.start();
        await().atMost(PATIENCE).until(() -> {
            assertServed();
            assertThat(flux.get("/health/live").statusCode()).isEqualTo(200);
            return !attacker.isAlive();
        });
    }

    @Test
    void livenessIsAnsweredWhileRedisIsFrozenAndClientsAsk() throws Exception {
        long server = redis.pid();
        signal(server, "STOP");
        try {
            for (int i = 0; i < CLIENTS; i++) {
                send(post("/v1/jobs", "{\"prompt\":\"echo frozen\\n\"}"));
            }
            // All worker threads wait for Redis: this one is not answered before they have given up.
            Socket ready = send("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            for (int i = 0; i < 4; i++) {
                assertThat(flux.get("/health/live").statusCode()).isEqualTo(200);
            }
            assertThat(ready.getInputStream().available())
                    .as("liveness came before readiness")
                    .isZero();
        } finally {
            signal(server, "CONT");
        }
    }

    private static void signal(long pid, String signal) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                        .start()
                        .waitFor())
                .isZero();
    }

    @Test
    void aRedisWhoseMemoryIsFullIsNamedByReadinessLogAndAnswersAndRecovers() {
        String before = redis.commands().configGet("maxmemory").get("maxmemory");
        redis.commands().configSet("maxmemory", "1");
        try {
            assertNamed("its memory is full");
        } finally {
            redis.commands().configSet("maxmemory", before);
        }
        await().atMost(PATIENCE).until(() -> flux.log().contains("Redis takes writes again"));
    }

    @Test
    void aRedisThatHasBecomeAReplicaIsNamedByReadinessLogAndAnswersAndRecovers() {
        redis.commands().slaveof("127.0.0.1", 1);
        try {
            assertNamed("it is a read-only replica");
        } finally {
            redis.commands().slaveofNoOne();
        }
        await().atMost(PATIENCE).until(() -> submit().statusCode() == 202);
    }

    private static void assertNamed(String reason) {
        int said = count(flux.log(), reason);
        await().atMost(PATIENCE).until(() -> count(flux.log(), reason) > said);
        HttpResponse<String> ready = flux.get("/health");
        assertThat(ready.statusCode()).isEqualTo(503);
        assertThat(ready.body()).contains(reason);
        assertThat(flux.get("/health/live").statusCode()).isEqualTo(200);
        for (int i = 0; i < 3; i++) {
            HttpResponse<String> rejected = submit();
            assertThat(rejected.statusCode()).isEqualTo(503);
            assertThat(rejected.body()).contains("\"unavailable\"", reason);
            assertThat(rejected.headers().firstValue("retry-after")).isPresent();
        }
        HttpResponse<String> chat = flux.send(HttpRequest.newBuilder(flux.http("/v1/chat/completions"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"))
                .build());
        assertThat(chat.statusCode()).isEqualTo(503);
        assertThat(chat.body()).contains(reason);
        assertThat(chat.headers().firstValue("retry-after")).isPresent();
        assertThat(count(flux.log(), reason)).as("said once").isEqualTo(said + 1);
    }

    private static int count(String text, String part) {
        return text.split(part, -1).length - 1;
    }

    @Test
    void fewDescriptorsAreNamedByReadinessAndSaidOnceAndSoIsAClientThatCannotBeAccepted() throws Exception {
        Path limit = Machine.inPath("prlimit");
        assertServed(); // the acceptor is watched from the first connection on
        long open = Long.parseLong(flux.get("/metrics")
                .body()
                .replaceAll("(?s).*\nprocess_files_open_files ([0-9.E]+)\n.*", "$1")
                .replaceAll("\\.0$", ""));
        long usual = Files.readAllLines(Path.of("/proc/" + flux.pid() + "/limits")).stream()
                .filter(line -> line.startsWith("Max open files"))
                .map(line -> Long.parseLong(line.split("\\s{2,}")[1]))
                .findFirst()
                .orElseThrow();
        try {
            prlimit(limit, open + 20);
            for (int i = 0; i < 100; i++) {
                send("");
            }
            await().atMost(PATIENCE)
                    .until(() -> flux.log().contains("a connection cannot be accepted")
                            && flux.log().contains("file descriptors are nearly gone"));
            for (Socket socket : sockets) {
                socket.close();
            }
            await().atMost(PATIENCE).until(() -> {
                send("").close();
                return flux.log().contains("connections are accepted again");
            });
            assertServed();
            assertThat(count(flux.log(), "a connection cannot be accepted")).isEqualTo(1);
            prlimit(limit, open + 3);
            assertThat(flux.get("/health").body()).contains("file descriptors are nearly gone");
        } finally {
            prlimit(limit, usual);
        }
    }

    private static void prlimit(Path program, long files) throws Exception {
        assertThat(new ProcessBuilder(program.toString(), "--pid=" + flux.pid(), "--nofile=" + files + ":")
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
    }

    /** Each closes at another instant of its request, from before its first byte is read until its answer is streamed. */
    @Test
    void whateverTheInstantAtWhichAClientLeavesItsJobIsCancelledAndNothingIsLeft() throws Exception {
        String chat = post(
                "/v1/chat/completions",
                "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"gate leaves\\n\"}]}");
        String whole =
                post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"gate leaves\\n\"}]}");
        String generate = post("/api/generate", "{\"prompt\":\"gate leaves\\n\",\"on_disconnect\":\"cancel\"}");
        String events =
                post("/api/generate", "{\"prompt\":\"gate leaves\\n\",\"on_disconnect\":\"cancel\",\"stream\":true}");
        String message = "{\"prompt\":\"gate leaves\\n\",\"on_disconnect\":\"cancel\"}";
        String webSocket =
                "GET /ws/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        byte[] frame = ("\u0081" + (char) (0x80 | message.length()) + "\0\0\0\0" + message)
                .getBytes(StandardCharsets.ISO_8859_1);
        for (int pause = 0; pause < 12; pause++) {
            for (String request : List.of(chat, whole, generate, events)) {
                Socket socket = send(request);
                leave(socket, pause, pause % 2 == 0);
            }
            Socket socket = send(webSocket);
            while (socket.getInputStream().read() != '\n') {
                // its handshake has been answered
            }
            socket.getOutputStream().write(frame);
            leave(socket, pause, pause % 2 == 0);
        }
        // Without a lease of a follower that runs out, which takes 20 s: as soon as it is known.
        await().atMost(Duration.ofSeconds(15))
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(() -> {
                    assertThat(redis.commands().zcard("flux:{default}:running")).isZero();
                    assertThat(redis.commands().hlen("flux:{default}:places")).isZero();
                    assertThat(redis.commands().zcard("flux:{default}:followed"))
                            .isZero();
                });
        assertThat(engine.runs("gate leaves").stream().filter(FakeEngine.Run::isAlive))
                .isEmpty();
    }

    /** @param pause 2 ms each: the instants are spread, and none of them is asserted */
    private static void leave(Socket socket, int pause, boolean reset) throws Exception {
        Thread.sleep(pause * 2L);
        if (reset) {
            socket.setSoLinger(true, 0);
        }
        socket.close();
    }
}
