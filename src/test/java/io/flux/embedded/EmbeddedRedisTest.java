package io.flux.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The real server, owned by this JVM or by another one that is killed. */
@Timeout(60)
class EmbeddedRedisTest {
    @TempDir
    private Path temp;

    private final List<EmbeddedRedis> started = new ArrayList<>();
    private final List<Process> owners = new ArrayList<>();

    @AfterEach
    void stopAll() throws InterruptedException {
        started.forEach(EmbeddedRedis::stop);
        for (Process owner : owners) {
            owner.destroyForcibly().waitFor();
        }
        for (Path pidFile : List.of(temp.resolve("redis.pid"), temp.resolve("a folder/redis.pid"))) {
            await().until(() -> !Files.exists(pidFile) || !runs(pid(pidFile)));
        }
    }

    @Test
    void whatWasAcknowledgedSurvivesARestart() throws IOException {
        EmbeddedRedis redis = start(temp);
        URI uri = redis.uri();
        assertThat(ask(uri, "SET poem salt")).isEqualTo("+OK");
        redis.stop();
        assertThat(answers(uri)).isFalse();
        redis.start();
        assertThat(redis.uri()).as("the same address").isEqualTo(uri);
        assertThat(ask(uri, "GET poem")).isEqualTo("salt");
        redis.stop();
        EmbeddedRedis another = start(temp);
        assertThat(ask(another.uri(), "GET poem")).isEqualTo("salt");
    }

    @Test
    void itListensOnLoopbackAndKeepsAnAppendOnlyFile() throws IOException {
        EmbeddedRedis redis = start(temp);
        assertThat(redis.uri().getScheme()).isEqualTo("redis");
        assertThat(redis.uri().getHost()).isEqualTo("127.0.0.1");
        assertThat(ask(redis.uri(), "CONFIG GET bind")).contains("127.0.0.1");
        assertThat(ask(redis.uri(), "CONFIG GET appendonly")).contains("yes");
        assertThat(ask(redis.uri(), "CONFIG GET dir")).contains(temp.toRealPath().toString());
    }

    @Test
    void aFolderMayHaveSpacesAndIsMadeWhenItIsNotThere() throws IOException {
        Path folder = temp.resolve("a folder");
        EmbeddedRedis redis = start(folder);
        assertThat(ask(redis.uri(), "PING")).isEqualTo("+PONG");
        assertThat(folder.resolve("redis.pid")).exists();
    }

    @Test
    void twoFoldersAreTwoServers() throws IOException {
        EmbeddedRedis one = start(temp.resolve("one"));
        EmbeddedRedis other = start(temp.resolve("other"));
        ask(one.uri(), "SET a 1");
        assertThat(ask(other.uri(), "EXISTS a")).isEqualTo(":0");
    }

    @Test
    void aFolderHasOneOwnerInThisProcess() {
        start(temp);
        EmbeddedRedis second = new EmbeddedRedis(temp);
        assertThatThrownBy(second::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "another Flux is using " + temp + "; stop it, or set FLUX_DATA to another folder");
    }

    @Test
    void aFolderHasOneOwnerOnThisMachineAndIsFreeWhenThatOneStops() throws Exception {
        Owner owner = new Owner(temp);
        EmbeddedRedis second = new EmbeddedRedis(temp);
        assertThatThrownBy(second::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("another Flux is using " + temp);
        assertThat(answers(owner.uri)).as("the owner's server is untouched").isTrue();
        ask(owner.uri, "SET a 1");
        owner.process.getOutputStream().close();
        assertThat(owner.out.readLine()).isEqualTo("stopped");
        assertThat(owner.process.waitFor()).isZero();
        assertThat(answers(owner.uri)).isFalse();
        assertThat(ask(start(temp).uri(), "GET a")).isEqualTo("1");
    }

    @Test
    void theServerDoesNotOutliveAnOwnerThatIsKilled() throws Exception {
        Owner owner = new Owner(temp);
        ask(owner.uri, "SET a 1");
        long server = pid(temp.resolve("redis.pid"));
        assertThat(runs(server)).isTrue();
        owner.process.destroyForcibly().waitFor(); // SIGKILL
        await().until(() -> !runs(server));
        assertThat(ask(start(temp).uri(), "GET a")).isEqualTo("1");
    }

    @Test
    void theNextOwnerNeedNotWaitForTheServerOfAKilledOne() throws Exception {
        Owner owner = new Owner(temp);
        ask(owner.uri, "SET a 1");
        owner.process.destroyForcibly().waitFor();
        assertThat(ask(start(temp).uri(), "GET a")).as("at once").isEqualTo("1");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aCtrlCDoesNotReachIt() throws Exception {
        Owner owner = new Owner(temp);
        long server = pid(temp.resolve("redis.pid"));
        // What a terminal does: to every process of the group.
        assertThat(new ProcessBuilder("kill", "-INT", "--", "-" + owner.process.pid()).start().waitFor())
                .isZero();
        assertThat(owner.out.readLine()).isEqualTo("interrupted");
        assertThat(ask(owner.uri, "PING")).isEqualTo("+PONG");
        assertThat(runs(server)).isTrue();
        owner.process.getOutputStream().close();
        assertThat(owner.out.readLine()).isEqualTo("stopped");
        await().until(() -> !runs(server));
    }

    @Test
    void aPidFileOfADeadProcessIsNoObstacle() throws Exception {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Files.writeString(temp.resolve("redis.pid"), dead.pid() + "\n");
        assertThat(ask(start(temp).uri(), "PING")).isEqualTo("+PONG");
    }

    @Test
    void aPidFileThatNamesSomebodyElsesProcessHarmsNobody() throws Exception {
        Process other = new ProcessBuilder("sleep", "60").start();
        owners.add(other);
        Files.writeString(temp.resolve("redis.pid"), other.pid() + "\n");
        assertThat(ask(start(temp).uri(), "PING")).isEqualTo("+PONG");
        assertThat(other.isAlive()).isTrue();
    }

    @Test
    void aPidFileWithNonsenseIsNoObstacle() throws Exception {
        Files.writeString(temp.resolve("redis.pid"), "nonsense");
        assertThat(ask(start(temp).uri(), "PING")).isEqualTo("+PONG");
    }

    @Test
    void aServerThatDoesNotStartSaysWhatItLogged() throws IOException {
        Files.createDirectories(temp.resolve("appendonlydir"));
        Files.writeString(temp.resolve("appendonly.aof"), "this is no append-only file");
        Files.writeString(temp.resolve("appendonlydir/appendonly.aof.manifest"), "nor is this a manifest");
        EmbeddedRedis redis = new EmbeddedRedis(temp);
        assertThatThrownBy(redis::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the embedded Redis does not start; its log ends with:\n")
                .hasMessageMatching("(?s).*(Bad file format|AOF|manifest).*");
    }

    @Test
    void stoppingWhatIsNotStartedIsHarmless() {
        EmbeddedRedis redis = new EmbeddedRedis(temp);
        redis.stop();
        redis.stop();
    }

    private EmbeddedRedis start(Path folder) {
        EmbeddedRedis redis = new EmbeddedRedis(folder);
        redis.start();
        started.add(redis);
        return redis;
    }

    /** Another JVM that owns the folder, in a process group of its own. */
    private final class Owner {
        private final Process process;
        private final BufferedReader out;
        private final URI uri;

        Owner(Path folder) throws IOException {
            List<String> command = new ArrayList<>();
            if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
                command.add("/usr/bin/setsid");
            }
            command.addAll(List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    RedisOwner.class.getName(),
                    folder.toString()));
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            owners.add(process);
            out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            uri = URI.create(out.readLine());
        }
    }

    private static boolean answers(URI uri) {
        try {
            return ask(uri, "PING").equals("+PONG");
        } catch (IOException e) {
            return false;
        }
    }

    /** One command, and the lines of its answer that hold something. */
    private static String ask(URI uri, String command) throws IOException {
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(20));
            socket.getOutputStream().write((command + "\r\nQUIT\r\n").getBytes(StandardCharsets.UTF_8));
            List<String> lines = new ArrayList<>(
                    new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList());
            lines.remove(lines.size() - 1); // QUIT's
            lines.removeIf(line -> line.startsWith("$") || line.startsWith("*"));
            return String.join(" ", lines);
        }
    }

    private static long pid(Path file) throws IOException {
        return Long.parseLong(Files.readString(file).strip());
    }

    private static boolean runs(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }
}
