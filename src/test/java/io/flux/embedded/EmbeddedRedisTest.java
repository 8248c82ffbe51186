package io.flux.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.flux.e2e.Interruptible;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class EmbeddedRedisTest {
    @TempDir
    private Path temp;

    private Path folder;
    private final List<EmbeddedRedis> started = new ArrayList<>();
    private Process owner;

    @BeforeEach
    void aFolderWithASpace() {
        boolean known = EmbeddedRedis.platform(System.getProperty("os.name"), System.getProperty("os.arch")) != null;
        if ("true".equals(System.getenv("CI"))) {
            assertThat(known).as("an embedded Redis, which CI must have").isTrue();
        }
        Assumptions.assumeTrue(known, "there is no embedded Redis for this platform");
        folder = temp.resolve("my data").resolve("redis");
    }

    @AfterEach
    void stopAll() throws InterruptedException {
        started.forEach(EmbeddedRedis::stop);
        if (owner != null) {
            owner.destroyForcibly().waitFor();
            await().until(() -> !Files.exists(folder.resolve("guard.pid")));
        }
    }

    @Test
    void dataSurvivesARestartOnTheSamePort() throws IOException {
        EmbeddedRedis redis = start(new EmbeddedRedis(folder));
        URI first = redis.uri();
        assertThat(say(first, "SET poem salt", "RPUSH list a b", "XADD stream 1-1 k v"))
                .startsWith("+OK", ":2");
        redis.stop();
        assertThat(answers(first)).isFalse();
        redis.start();
        assertThat(redis.uri()).isEqualTo(first);
        assertThat(say(first, "GET poem", "LLEN list", "XLEN stream")).containsExactly("$4", "salt", ":2", ":1");
    }

    @Test
    void theServerKnowsWhatFluxNeeds() throws IOException {
        URI uri = start(new EmbeddedRedis(folder)).uri();
        assertThat(say(uri, "RPUSH l a b", "LPOS l b", "EVAL \"return 7\" 0", "BRPOPLPUSH l m 1", "ZADD z 1 a"))
                .containsExactly(":2", ":1", ":7", "$1", "b", ":1");
    }

    @Test
    void killingTheJvmEndsTheServerAndTheNextStartFindsTheData() throws Exception {
        URI uri = startOwner();
        say(uri, "SET poem salt");
        // everysec: what is a second old is on disk, and SIGTERM writes the rest
        owner.destroyForcibly().waitFor();
        EmbeddedRedis next = start(new EmbeddedRedis(folder));
        assertThat(say(next.uri(), "GET poem")).containsExactly("$4", "salt");
        if (!next.uri().equals(uri)) {
            assertThat(answers(uri)).isFalse();
        }
    }

    @Test
    void killingTheJvmAloneIsEnough() throws Exception {
        URI uri = startOwner();
        long server =
                Long.parseLong(Files.readString(folder.resolve("redis.pid")).strip());
        owner.destroyForcibly().waitFor();
        await().until(() -> !answers(uri) && !Files.exists(folder.resolve("guard.pid")));
        assertThat(ProcessHandle.of(server).flatMap(process -> process.info().command()))
                .isEmpty();
    }

    @Test
    void aServerWithoutItsGuardIsEndedByTheNextStart() throws Exception {
        URI uri = startOwner();
        say(uri, "SET poem salt");
        long guard =
                Long.parseLong(Files.readString(folder.resolve("guard.pid")).strip());
        ProcessHandle.of(guard).orElseThrow().destroyForcibly();
        owner.destroyForcibly().waitFor();
        assertThat(answers(uri)).isTrue();
        EmbeddedRedis next = start(new EmbeddedRedis(folder));
        assertThat(say(next.uri(), "GET poem")).containsExactly("$4", "salt");
        assertThat(next.uri().equals(uri) || !answers(uri)).isTrue();
    }

    @Test
    void controlCLeavesTheServerUpUntilItIsStopped() throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/setsid")), "there is no setsid");
        URI uri = startOwner("setsid");
        assertThat(new ProcessBuilder("/bin/sh", "-c", "kill -INT -" + owner.pid())
                        .start()
                        .waitFor())
                .isZero();
        assertThat(line(owner.inputReader())).isEqualTo("stopping");
        assertThat(say(uri, "PING")).containsExactly("+PONG");
        assertThat(ProcessHandle.of(Long.parseLong(
                                Files.readString(folder.resolve("guard.pid")).strip()))
                        .map(ProcessHandle::isAlive))
                .contains(true);
        owner.getOutputStream().write('\n');
        owner.getOutputStream().flush();
        assertThat(owner.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(answers(uri)).isFalse();
    }

    @Test
    void aFolderHasOneOwner() throws Exception {
        EmbeddedRedis first = start(new EmbeddedRedis(folder));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> new EmbeddedRedis(folder).start())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("another Flux is using " + folder + "; stop it, or set FLUX_DATA to another folder");
        }
        // nor did the failed starts lose the lock
        Process other = owner(List.of());
        assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(new String(other.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("another Flux is using " + folder);
        assertThat(say(first.uri(), "PING")).containsExactly("+PONG");
    }

    @Test
    void aPortThatIsTakenIsNamed() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> new EmbeddedRedis(folder, taken.getLocalPort()).start())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot listen on port " + taken.getLocalPort());
        }
        assertThat(folder.resolve("guard.pid")).doesNotExist();
        assertThat(say(start(new EmbeddedRedis(folder)).uri(), "PING")).containsExactly("+PONG");
    }

    @Test
    void aGivenPortIsTheOneItListensOn() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        EmbeddedRedis redis = start(new EmbeddedRedis(folder, port));
        assertThat(redis.uri()).isEqualTo(URI.create("redis://127.0.0.1:" + port));
        assertThat(say(redis.uri(), "PING")).containsExactly("+PONG");
    }

    @Test
    void aServerThatDoesNotStartSaysWhy() throws IOException {
        EmbeddedRedis redis = new EmbeddedRedis(folder);
        redis.start();
        redis.stop();
        Files.writeString(folder.resolve("appendonly.aof"), "this is no append-only file\n");
        long begin = System.nanoTime();
        assertThatThrownBy(redis::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("FLUX_REDIS_URL")
                .hasMessageContaining("Bad file format reading the append only file");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void stoppingTwiceAndStoppingWhatWasNotStartedDoNothing() {
        EmbeddedRedis redis = new EmbeddedRedis(folder);
        redis.stop();
        redis.start();
        assertThatThrownBy(redis::start).hasMessageContaining("started already");
        redis.stop();
        redis.stop();
        assertThat(answers(redis.uri())).isFalse();
    }

    @Test
    void platformsWithoutABinaryAreKnown() {
        assertThat(EmbeddedRedis.platform("Linux", "amd64")).isNotNull();
        assertThat(EmbeddedRedis.platform("Linux", "aarch64")).isNotNull();
        assertThat(EmbeddedRedis.platform("Mac OS X", "aarch64")).isNotNull();
        assertThat(EmbeddedRedis.platform("Linux", "riscv64")).isNull();
        assertThat(EmbeddedRedis.platform("Windows 11", "amd64")).isNull();
    }

    private EmbeddedRedis start(EmbeddedRedis redis) {
        started.add(redis);
        redis.start();
        return redis;
    }

    private URI startOwner(String... prefix) throws IOException {
        owner = owner(List.of(prefix));
        return URI.create(line(owner.inputReader()));
    }

    /** The next line that a process writes; fails when it does not come. */
    private static String line(BufferedReader output) {
        CompletableFuture<String> line = CompletableFuture.supplyAsync(() -> {
            try {
                return output.readLine();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        assertThat(line).as("a line of the process").succeedsWithin(Duration.ofSeconds(60));
        return line.join();
    }

    private Process owner(List<String> prefix) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                RedisOwner.class.getName(),
                folder.toString()));
        return new ProcessBuilder(Interruptible.command(command)).start();
    }

    private static boolean answers(URI uri) {
        try {
            return !say(uri, "PING").isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    /** The lines of the server's answers. */
    private static List<String> say(URI uri, String... commands) throws IOException {
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            socket.setSoTimeout(5000);
            String text = String.join("\r\n", commands) + "\r\nQUIT\r\n";
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            List<String> lines = new ArrayList<>(List.of(answer.split("\r\n")));
            lines.remove(lines.size() - 1); // QUIT's own
            return lines;
        }
    }
}
