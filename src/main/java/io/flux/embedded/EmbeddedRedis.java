package io.flux.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/**
 * A real Redis server out of our own jar, on loopback, with its data in a folder and its append-only file on, so that a
 * restart loses nothing.
 *
 * <p>It must outlive a Ctrl-C, which the terminal sends to every process of ours, because routes still need it while they
 * stop; and it must not outlive this JVM, not even one that is killed. So the server makes itself a session of its own
 * ({@code daemonize}), and a shell that no signal of the terminal stops, the guard, waits on a pipe from this JVM: when
 * the pipe closes, for whatever reason, it ends the server.
 *
 * <p>Not thread-safe: one thread starts and stops it. Both block until the server is there, or gone.
 */
public final class EmbeddedRedis {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** A large append-only file takes its time; the server says that it is loading. */
    private static final Duration LOADING_PATIENCE = Duration.ofMinutes(5);

    private static final int LOG_TAIL = 2000;
    private static final int PORT_TRIES = 5;
    /** What Redis logs when somebody else listens on its port, which is after it went into the background. */
    private static final String PORT_TAKEN = "Failed listening on port";

    /** The guard's name among its arguments. */
    private static final String GUARD_NAME = "flux-redis-guard";

    /**
     * $1 server, $2 configuration, $3 the server's pid file, $4 the guard's. Exit code 3: the server did not start. A
     * process is only killed when it is a redis-server: its number may be somebody else's by then.
     */
    private static final String GUARD =
            """
            trap '' INT TERM HUP QUIT
            echo $$ >"$4"
            "$1" "$2" </dev/null || { rm -f "$4"; exit 3; }
            read -r word
            [ "$word" = gone ] && { rm -f "$4"; exit 0; }
            i=0
            until pid=$(cat "$3" 2>/dev/null) && [ -n "$pid" ]; do
              [ $i -ge 50 ] && { rm -f "$4"; exit 0; }
              sleep 0.1; i=$((i+1))
            done
            ours() { { cat "/proc/$pid/cmdline" || ps -o command= -p "$pid"; } 2>/dev/null | grep -q redis-server; }
            ours && kill -TERM "$pid" 2>/dev/null
            i=0
            while ours && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done
            ours && kill -KILL "$pid" 2>/dev/null
            while ours && [ $i -lt 300 ]; do sleep 0.05; i=$((i+1)); done
            rm -f "$4"
            exit 0
            """;

    private final Path folder;
    private final boolean anyPort;
    private int port;
    private RandomAccessFile lockFile;
    private Process guard;
    private long logStart;

    /**
     * On any free port.
     *
     * @param folder where the data is; made when it is not there
     */
    public EmbeddedRedis(Path folder) {
        this(folder, 0);
    }

    /**
     * @param folder where the data is; made when it is not there
     * @param port where it listens; 0 for any free port
     */
    public EmbeddedRedis(Path folder, int port) {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port must be between 0 and 65535, not " + port);
        }
        this.folder = folder.toAbsolutePath().normalize();
        this.port = port;
        this.anyPort = port == 0;
    }

    /**
     * Where it listens. Stays the same when it is stopped and started again.
     *
     * @throws IllegalStateException when it has no port yet
     */
    public URI uri() {
        if (port == 0) {
            throw new IllegalStateException("the embedded Redis was not started, so it has no address");
        }
        return URI.create("redis://127.0.0.1:" + port);
    }

    /**
     * Starts the server and waits until it answers.
     *
     * @throws IllegalStateException when another Flux uses the folder, the platform has no binary, or it does not start
     * @throws UncheckedIOException when the folder cannot be written
     */
    public void start() {
        if (guard != null) {
            throw new IllegalStateException("the embedded Redis was started already, at " + uri());
        }
        boolean started = false;
        try {
            Files.createDirectories(folder);
            takeFolder();
            endLeftover();
            launch(server());
            started = true;
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded Redis cannot use " + folder, e);
        } finally {
            if (!started) {
                stop();
            }
        }
    }

    /** Stops the server; what it had acknowledged is on disk. Does nothing when it is not running. */
    public void stop() {
        try {
            if (guard != null) {
                stopGuard();
                endServer();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded Redis in " + folder + " cannot be stopped", e);
        } finally {
            guard = null;
            releaseFolder();
        }
    }

    /** One owner: two servers on one append-only file would destroy it. */
    private void takeFolder() throws IOException {
        // Within one JVM the lock does not tell, and to open its file a second time would lose it.
        if (guardOnFile().flatMap(ProcessHandle::parent).equals(Optional.of(ProcessHandle.current()))) {
            throw inUse();
        }
        lockFile = new RandomAccessFile(folder.resolve("lock").toFile(), "rw");
        FileLock lock;
        try {
            lock = lockFile.getChannel().tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw inUse();
        }
    }

    private IllegalStateException inUse() {
        return new IllegalStateException(
                "another Flux is using " + folder + "; stop it, or set FLUX_DATA to another folder");
    }

    private void releaseFolder() {
        try {
            if (lockFile != null) {
                lockFile.close(); // and the lock with it
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot release " + folder, e);
        } finally {
            lockFile = null;
        }
    }

    /** A JVM that was killed leaves a guard that is ending its server; a guard that was killed leaves the server. */
    private void endLeftover() throws IOException {
        Optional<ProcessHandle> old = guardOnFile();
        if (old.isPresent() && !ends(old.get())) {
            throw new IllegalStateException(
                    "process " + old.get().pid() + " of an earlier run does not let go of " + folder + "; end it");
        }
        Files.deleteIfExists(guardFile());
        endServer();
    }

    /** Ends the server that the pid file names, if it is one of this folder's. */
    private void endServer() throws IOException {
        Optional<ProcessHandle> server = serverOnFile();
        if (server.isPresent()) {
            server.get().destroy();
            if (!ends(server.get())) {
                server.get().destroyForcibly();
                ends(server.get());
            }
        }
        Files.deleteIfExists(pidFile());
    }

    private Optional<ProcessHandle> guardOnFile() throws IOException {
        return process(guardFile())
                .filter(process -> process.info().commandLine().orElse("").contains(GUARD_NAME));
    }

    private Optional<ProcessHandle> serverOnFile() throws IOException {
        String binaries = folder.toRealPath().resolve("redis-server").toString();
        return process(pidFile())
                .filter(process -> process.info().command().orElse("").startsWith(binaries));
    }

    private static Optional<ProcessHandle> process(Path pidFile) throws IOException {
        if (!Files.exists(pidFile)) {
            return Optional.empty();
        }
        String pid = Files.readString(pidFile).strip();
        return pid.matches("\\d{1,18}")
                ? ProcessHandle.of(Long.parseLong(pid)).filter(ProcessHandle::isAlive)
                : Optional.empty();
    }

    private static boolean ends(ProcessHandle process) {
        try {
            process.onExit().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void launch(Path server) throws IOException {
        for (int attempt = 1; ; attempt++) {
            if (port == 0) {
                port = freePort();
            }
            startGuard(server);
            Start start = awaitAnswer();
            if (start == Start.ANSWERS) {
                return;
            }
            String tail = logTail();
            if (start == Start.PORT_TAKEN) {
                guard.getOutputStream().write("gone\n".getBytes(StandardCharsets.US_ASCII));
            }
            stopGuard();
            endServer();
            if (start == Start.PORT_TAKEN && !anyPort) {
                throw new IllegalStateException("the embedded Redis cannot listen on port " + port
                        + ", which another program uses; its log ends with:\n" + tail);
            }
            if (start == Start.FAILED || attempt == PORT_TRIES) {
                throw new IllegalStateException("the embedded Redis does not start; point FLUX_REDIS_URL at another"
                        + " one, such as redis://localhost:6379. Its log ends with:\n" + tail);
            }
            port = 0;
        }
    }

    private void startGuard(Path server) throws IOException {
        Path configuration = folder.resolve("redis.conf");
        Files.writeString(
                configuration,
                """
                bind 127.0.0.1
                port %s
                dir "%s"
                pidfile "%s"
                logfile "%s"
                daemonize yes
                appendonly yes
                appendfsync everysec
                save ""
                """
                        .formatted(Integer.toString(port), escaped(folder), escaped(pidFile()), escaped(redisLog())));
        logStart = Files.exists(redisLog()) ? Files.size(redisLog()) : 0;
        guard = new ProcessBuilder(
                        "/bin/sh",
                        "-c",
                        GUARD,
                        GUARD_NAME,
                        server.toString(),
                        configuration.toString(),
                        pidFile().toString(),
                        guardFile().toString())
                .redirectErrorStream(true)
                .redirectOutput(startLog().toFile())
                .start();
    }

    private enum Start {
        ANSWERS,
        PORT_TAKEN,
        FAILED
    }

    private enum Answer {
        OURS,
        LOADING,
        NONE
    }

    private Start awaitAnswer() throws IOException {
        long begin = System.nanoTime();
        long patience = PATIENCE.toNanos();
        while (System.nanoTime() - begin < patience) {
            Answer answer = ask();
            if (answer == Answer.OURS) {
                return Start.ANSWERS;
            }
            if (answer == Answer.LOADING) {
                patience = LOADING_PATIENCE.toNanos();
            }
            if (!guard.isAlive() || serverDied()) {
                return Start.FAILED;
            }
            if (redisLogText().contains(PORT_TAKEN)) {
                return Start.PORT_TAKEN;
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("interrupted while the embedded Redis was starting");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        return Start.FAILED;
    }

    /** It had written its number; endLeftover has removed those of others. */
    private boolean serverDied() throws IOException {
        return Files.exists(pidFile())
                && !Files.readString(pidFile()).isBlank()
                && serverOnFile().isEmpty();
    }

    /** Whether our server answers: others may listen on a port that ours could not get. */
    private Answer ask() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
            socket.setSoTimeout(500);
            socket.getOutputStream().write("PING\r\nCONFIG GET dir\r\nQUIT\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] bytes = socket.getInputStream().readNBytes(8192);
            String text = new String(bytes, StandardCharsets.UTF_8);
            if (!text.contains(folder.toRealPath() + "\r\n")) {
                return Answer.NONE;
            }
            return text.startsWith("-LOADING") ? Answer.LOADING : Answer.OURS;
        } catch (IOException e) {
            return Answer.NONE;
        }
    }

    private void stopGuard() throws IOException {
        guard.getOutputStream().close();
        try {
            if (!guard.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                guard.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the pipe is closed: the guard goes on without us
        }
    }

    /** The binary of this platform, unpacked. Of embedded-redis only this: its server class installs a JVM hook. */
    private Path server() throws IOException {
        String os = System.getProperty("os.name");
        String arch = System.getProperty("os.arch");
        OsArchitecture platform = platform(os, arch);
        String resource = platform == null
                ? null
                : ExecutableProvider.newProvidedVersionsMap().get(platform);
        if (resource == null) {
            throw new IllegalStateException("there is no embedded Redis for " + os + " on " + arch
                    + "; point FLUX_REDIS_URL at a Redis, such as redis://localhost:6379");
        }
        String path = resource.startsWith("/") ? resource : "/" + resource;
        // Named after its version, so that what is there is right.
        Path server = folder.resolve(path.substring(path.lastIndexOf('/') + 1));
        if (!Files.isExecutable(server)) {
            InputStream in = ExecutableProvider.class.getResourceAsStream(path);
            if (in == null) {
                throw new IllegalStateException("this build of Flux is not whole: its jars have no " + path);
            }
            Unpacking.write(in, server, true);
        }
        return server;
    }

    /** The library's own name of a platform; null for one that it, or the guard's shell, does not know. */
    static OsArchitecture platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        boolean linux = os.contains("linux");
        boolean mac = os.contains("mac");
        return switch (osArch) {
            case "amd64", "x86_64" -> linux ? OsArchitecture.UNIX_x86_64 : mac ? OsArchitecture.MAC_OS_X_x86_64 : null;
            case "aarch64", "arm64" -> linux ? OsArchitecture.UNIX_AARCH64 : mac ? OsArchitecture.MAC_OS_X_ARM64 : null;
            case "x86", "i386" -> linux ? OsArchitecture.UNIX_x86 : null;
            default -> null;
        };
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private Path pidFile() {
        return folder.resolve("redis.pid");
    }

    private Path guardFile() {
        return folder.resolve("guard.pid");
    }

    private Path redisLog() {
        return folder.resolve("redis.log");
    }

    /** What the shell, and the server before it has read its configuration, say. */
    private Path startLog() {
        return folder.resolve("start.log");
    }

    private static String escaped(Path path) {
        return path.toString().replace("\\", "\\\\").replace("\"", "\\\"");
    }

    /** What the server has logged since this start. */
    private String redisLogText() throws IOException {
        if (!Files.exists(redisLog())) {
            return "";
        }
        try (RandomAccessFile file = new RandomAccessFile(redisLog().toFile(), "r")) {
            byte[] bytes = new byte[(int) Math.max(0, Math.min(file.length() - logStart, 1 << 20))];
            file.seek(logStart);
            file.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private String logTail() throws IOException {
        String text = Files.readString(startLog()) + redisLogText();
        return text.isBlank()
                ? "(nothing)"
                : text.substring(Math.max(0, text.length() - LOG_TAIL)).strip();
    }
}
