package io.flux.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.flux.e2e.Interruptible;
import io.flux.e2e.Machine;
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
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class EmbeddedRedisTest {
    @TempDir
    private Path temp;

    private static EmbeddedRedis shared;

    @TempDir
    private static Path sharedFolder;

    private Path folder;
    private final List<EmbeddedRedis> started = new ArrayList<>();
    private Process owner;

    @BeforeEach
    void aFolderWithASpace() {
        boolean known = RedisProgram.platform(System.getProperty("os.name"), System.getProperty("os.arch")) != null;
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
        // Where this JVM ignores SIGINT, as under nohup or in the background, the owner would too.
        URI uri = startOwner("setsid", "env", "--default-signal=INT");
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
        assertThat(redis.address()).isEqualTo("127.0.0.1:" + port);
        assertThat(redis.uri().getPort()).isEqualTo(port);
        assertThat(say(redis.uri(), "PING")).containsExactly("+PONG");
    }

    @Test
    void aServerThatDoesNotStartSaysWhy() throws IOException {
        EmbeddedRedis redis = new EmbeddedRedis(folder);
        redis.start();
        redis.stop();
        Path parts = folder.resolve("appendonlydir");
        Path data = Files.isDirectory(parts)
                ? parts.resolve("appendonly.aof.1.incr.aof")
                : folder.resolve("appendonly.aof");
        Files.writeString(data, "this is no append-only file\n");
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
        assertThat(RedisProgram.platform("Linux", "amd64")).isNotNull();
        assertThat(RedisProgram.platform("Linux", "aarch64")).isNotNull();
        assertThat(RedisProgram.platform("Mac OS X", "aarch64")).isNotNull();
        assertThat(RedisProgram.platform("Linux", "riscv64")).isNull();
        assertThat(RedisProgram.platform("Windows 11", "amd64")).isNull();
    }

    @Test
    void anotherUserOfTheMachineIsObeyedInNothing() throws IOException {
        EmbeddedRedis redis = start(new EmbeddedRedis(folder));
        say(redis.uri(), "HSET flux:{j}:job request secret");
        URI unknown = URI.create("redis://" + redis.address());
        assertThat(say(
                        unknown,
                        "PING",
                        "CONFIG SET dir /tmp",
                        "SAVE",
                        "HGET flux:{j}:job request",
                        "KEYS *",
                        "EVAL \"return 7\" 0",
                        "SHUTDOWN NOSAVE"))
                .hasSize(7)
                .allMatch(line -> line.startsWith("-NOAUTH"), "answered with NOAUTH");
        try (Socket socket = new Socket(unknown.getHost(), unknown.getPort())) {
            socket.setSoTimeout(5000);
            socket.getOutputStream().write("AUTH guessed\r\nQUIT\r\n".getBytes(StandardCharsets.UTF_8));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("-WRONGPASS");
        }
        assertThat(say(redis.uri(), "HGET flux:{j}:job request")).containsExactly("$6", "secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CONFIG SET dir /tmp",
                "CONFIG GET requirepass",
                "DEBUG SLEEP 0",
                "MODULE LIST",
                "SAVE",
                "BGSAVE",
                "BGREWRITEAOF",
                "REPLICAOF 127.0.0.1 1",
                "SLAVEOF NO ONE",
                "SHUTDOWN NOSAVE",
                "ACL LIST",
                "ACL SETUSER other on nopass ~* +@all",
                "MONITOR",
                "MIGRATE 127.0.0.1 1 k 0 10",
                "RESTORE k 0 x",
                "FLUSHALL",
                "SWAPDB 0 1"
            })
    void theServerKeepsItsFilesAndItselfFromItsOwnUser(String command) throws IOException {
        URI uri = shared().uri();
        // Redis 7 has some of them switched off, which comes before it looks at the user.
        assertThat(say(uri, command))
                .hasSize(1)
                .allMatch(line ->
                        line.startsWith("-NOPERM") || line.matches("-ERR (DEBUG|MODULE) command not allowed.*"));
        assertThat(say(uri, "SET poem salt")).containsExactly("+OK");
    }

    @Test
    void folderAndFilesAreItsUsersAloneThoseOfAnEarlierVersionToo() throws IOException {
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Path old = Files.writeString(folder.resolve("appendonly.aof"), "");
        Files.setPosixFilePermissions(old, PosixFilePermissions.fromString("rw-r--r--"));
        Path elsewhere = Files.writeString(temp.resolve("elsewhere"), "another's");
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rw-r--r--"));
        Files.createSymbolicLink(folder.resolve("link"), elsewhere);
        URI uri = start(new EmbeddedRedis(folder)).uri();
        say(uri, "SET poem salt");
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(file -> !Files.isSymbolicLink(file)))
                    .hasSizeGreaterThan(5)
                    .allSatisfy(file -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                            .as(file.toString())
                            .endsWith("------")
                            .startsWith("rw"));
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(elsewhere)))
                .isEqualTo("rw-r--r--");
    }

    @Test
    void thePasswordIsInItsFileAndNowhereElse() throws IOException {
        EmbeddedRedis redis = start(new EmbeddedRedis(folder));
        String password = Files.readString(folder.resolve("password")).strip();
        assertThat(redis.uri().getUserInfo()).isEqualTo("default:" + password);
        assertThat(password).hasSizeGreaterThan(40);
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile)
                            .filter(file -> !file.getFileName().toString().equals("password")))
                    .allSatisfy(file -> assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                            .as(file.toString())
                            .doesNotContain(password));
        }
        assertThat(ProcessHandle.allProcesses()
                        .map(process -> process.info().commandLine().orElse("")))
                .noneMatch(line -> line.contains(password));
        assertThat(redis.toString() + redis.address()).doesNotContain(password);
        assertThat(new EmbeddedRedis(folder.resolveSibling("other")).toString()).doesNotContain(password);
    }

    @Test
    void twoStartsHaveTwoPasswords() throws IOException {
        EmbeddedRedis first = new EmbeddedRedis(folder);
        first.start();
        String old = first.uri().getUserInfo();
        first.stop();
        EmbeddedRedis next = start(new EmbeddedRedis(folder));
        assertThat(next.uri().getUserInfo()).isNotEqualTo(old);
        assertThat(say(next.uri(), "PING")).containsExactly("+PONG");
    }

    @Test
    void theMachinesNewerServerTakesOverTheDataAndThePackagedOneDoesNotTakeItBackEmpty() throws IOException {
        Path machine = Machine.inPath("redis-server");
        Path bin = Files.createDirectory(temp.resolve("bin"));
        String none = bin.toString();
        EmbeddedRedis packaged = new EmbeddedRedis(folder, 0, none);
        packaged.start();
        assertThat(say(packaged.uri(), "SET poem salt")).containsExactly("+OK");
        packaged.stop();

        EmbeddedRedis newer = new EmbeddedRedis(folder, 0, machine.getParent().toString());
        newer.start();
        assertThat(say(newer.uri(), "GET poem", "INFO server"))
                .contains("salt")
                .anyMatch(line -> line.matches("redis_version:[7-9].*"));
        say(newer.uri(), "SET poem foam");
        newer.stop();

        EmbeddedRedis older = new EmbeddedRedis(folder, 0, none);
        assertThatThrownBy(older::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the data in " + folder + " was written by Redis 7 or newer, which Redis 6.2.")
                .hasMessageEndingWith("install such a redis-server again, or set FLUX_DATA to another folder");

        EmbeddedRedis again = start(new EmbeddedRedis(folder, 0, none + ":" + machine.getParent()));
        assertThat(say(again.uri(), "GET poem")).containsExactly("$4", "foam");
    }

    @ParameterizedTest
    @CsvSource({
        "Redis server v=6.2.19 sha=0, false",
        "Redis server v=6.2.20 sha=0, true",
        "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0, true",
        "Valkey server v=8.1.1 sha=0, true",
        "Redis server v=5.0.99 sha=0, false",
        "something else, false"
    })
    void theMachinesServerIsUsedWhenItIsNewEnough(String says, boolean used) throws IOException {
        Path bin = Files.createDirectory(temp.resolve("bin"));
        Path program = Files.writeString(bin.resolve("redis-server"), "#!/bin/sh\necho '" + says + "'\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        RedisProgram chosen = RedisProgram.choose(bin.toString(), Files.createDirectories(folder));
        assertThat(chosen.file().equals(program)).isEqualTo(used);
        assertThat(chosen.file()).isExecutable();
    }

    /** One for the tests that leave it as it is. */
    private static synchronized EmbeddedRedis shared() {
        if (shared == null) {
            shared = new EmbeddedRedis(sharedFolder);
            shared.start();
        }
        return shared;
    }

    @AfterAll
    static void stopShared() {
        if (shared != null) {
            shared.stop();
        }
    }

    private EmbeddedRedis start(EmbeddedRedis redis) {
        started.add(redis);
        redis.start();
        return redis;
    }

    private URI startOwner(String... prefix) throws IOException {
        owner = owner(List.of(prefix));
        BufferedReader output = owner.inputReader();
        String said = line(output);
        while (!said.startsWith("redis://")) {
            said = line(output); // of the log
        }
        return URI.create(said);
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
            String password = uri.getUserInfo() == null ? "" : uri.getUserInfo().replaceFirst(".*:", "");
            String text = (password.isEmpty() ? "" : "AUTH " + password + "\r\n")
                    + String.join("\r\n", commands)
                    + "\r\nQUIT\r\n";
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            List<String> lines = new ArrayList<>(List.of(answer.split("\r\n")));
            lines.remove(lines.size() - 1); // QUIT's own
            if (!password.isEmpty()) {
                assertThat(lines.remove(0)).isEqualTo("+OK");
            }
            return lines;
        }
    }
}
