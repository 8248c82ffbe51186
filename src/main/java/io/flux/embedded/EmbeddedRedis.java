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
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/**
 * A real Redis server out of our own jar, on loopback, with its data in a folder and its append-only file on, so that a
 * restart loses nothing.
 *
 * <p>It must outlive a Ctrl-C, which the terminal sends to every process of ours, because routes still need it while they
 * stop; and it must not outlive this JVM, not even one that is killed. So the server makes itself a session of its own
 * ({@code daemonize}), and a shell that no signal of the terminal stops waits on a pipe from this JVM: when the pipe
 * closes, for whatever reason, it ends the server.
 *
 * <p>Not thread-safe: one thread starts and stops it. Both block until the server is there, or gone.
 */
public final class EmbeddedRedis {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int LOG_TAIL = 2000;
    private static final int PORT_TRIES = 5;

    /**
     * $1 server, $2 configuration, $3 pid file. Exit code 3: the server did not start. The server removes its pid file as
     * the last thing it does; the process itself may stay a zombie where nobody reaps orphans, in a container say.
     */
    private static final String GUARD =
            """
            trap '' INT TERM HUP
            "$1" "$2" </dev/null >/dev/null 2>&1 || exit 3
            read -r _
            pid=$(cat "$3" 2>/dev/null) || exit 0
            kill -TERM "$pid" 2>/dev/null
            i=0
            while [ -e "$3" ] && kill -0 "$pid" 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
            kill -KILL "$pid" 2>/dev/null
            exit 0
            """;

    private final Path folder;
    private RandomAccessFile lockFile;
    private FileLock lock;
    private Process guard;
    private int port;

    /**
     * @param folder where the data is; made when it is not there
     */
    public EmbeddedRedis(Path folder) {
        this.folder = folder.toAbsolutePath();
    }

    /** Where it listens; only after {@link #start}. Stays the same when it is stopped and started again. */
    public URI uri() {
        return URI.create("redis://127.0.0.1:" + port);
    }

    /**
     * Starts the server and waits until it answers.
     *
     * @throws IllegalStateException when another process uses the folder, the platform has no binary, or it does not start
     */
    public void start() {
        try {
            Files.createDirectories(folder);
            takeFolder();
            endLeftover();
            Path server = server();
            boolean anyPort = port == 0;
            for (int attempt = 1; ; attempt++) {
                if (anyPort) {
                    port = freePort();
                }
                if (launch(server)) {
                    return;
                }
                stopGuard();
                if (!anyPort || attempt == PORT_TRIES) {
                    throw new IllegalStateException(
                            "the embedded Redis does not start; its log ends with:\n" + logTail());
                }
            }
        } catch (IOException e) {
            releaseFolder();
            throw new UncheckedIOException("the embedded Redis cannot use " + folder, e);
        } catch (IllegalStateException e) {
            releaseFolder();
            throw e;
        }
    }

    /** Stops the server; what it had acknowledged is on disk. */
    public void stop() {
        stopGuard();
        releaseFolder();
    }

    private void takeFolder() throws IOException {
        lockFile = new RandomAccessFile(folder.resolve("lock").toFile(), "rw");
        try {
            lock = lockFile.getChannel().tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null; // this JVM has it
        }
        if (lock == null) {
            throw new IllegalStateException(
                    "another Flux is using " + folder + "; stop it, or set FLUX_DATA to another folder");
        }
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
            lock = null;
        }
    }

    /** Two servers on one append-only file would destroy it: one of a killed JVM may still be on its way out. */
    private void endLeftover() throws IOException {
        Path pidFile = pidFile();
        if (!Files.exists(pidFile)) {
            return;
        }
        String pid = Files.readString(pidFile).strip();
        if (pid.matches("\\d+")) {
            ProcessHandle.of(Long.parseLong(pid))
                    .filter(process -> process.info().command().orElse("").contains("redis-server"))
                    .ifPresent(process -> {
                        process.destroy();
                        process.onExit()
                                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                                .join();
                    });
        }
        Files.deleteIfExists(pidFile);
    }

    private boolean launch(Path server) throws IOException {
        Path configuration = folder.resolve("redis.conf");
        Files.writeString(
                configuration,
                """
                bind 127.0.0.1
                port %d
                dir "%s"
                pidfile "%s"
                logfile "%s"
                daemonize yes
                appendonly yes
                appendfsync everysec
                save ""
                """
                        .formatted(port, escaped(folder), escaped(pidFile()), escaped(folder.resolve("redis.log"))));
        guard = new ProcessBuilder(
                        "/bin/sh",
                        "-c",
                        GUARD,
                        "flux-redis",
                        server.toString(),
                        configuration.toString(),
                        pidFile().toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (guard.isAlive() && System.nanoTime() < deadline) {
            if (answers()) {
                return true;
            }
            pause();
        }
        return false;
    }

    private void stopGuard() {
        if (guard == null) {
            return;
        }
        try {
            guard.getOutputStream().close();
            if (!guard.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                guard.destroyForcibly();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the embedded Redis cannot be told to stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            guard = null;
        }
    }

    /** It is our server, and it has loaded its data: others may listen on a port that ours could not get. */
    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
            socket.setSoTimeout(500);
            socket.getOutputStream().write("PING\r\nCONFIG GET dir\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] answer = new byte[4096];
            int length = 0;
            InputStream in = socket.getInputStream();
            while (length < answer.length) {
                int read = in.read(answer, length, answer.length - length);
                if (read < 0) {
                    return false;
                }
                length += read;
                String text = new String(answer, 0, length, StandardCharsets.UTF_8);
                if (text.startsWith("-")) {
                    return false; // -LOADING
                }
                if (text.contains(folder.toRealPath() + "\r\n")) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            return false; // not yet
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while Redis was starting", e);
        }
    }

    private Path server() throws IOException {
        String resource = ExecutableProvider.newProvidedVersionsMap().get(OsArchitecture.detectOSandArchitecture());
        if (resource == null || resource.endsWith(".exe")) {
            throw new IllegalStateException("there is no embedded Redis for " + System.getProperty("os.name") + " on "
                    + System.getProperty("os.arch") + "; point FLUX_REDIS_URL at one, such as redis://localhost:6379");
        }
        Path server = folder.resolve("redis-server");
        try (InputStream in =
                ExecutableProvider.class.getResourceAsStream(resource.startsWith("/") ? resource : "/" + resource)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + resource);
            }
            Path partial = Files.createTempFile(folder, "redis-server", ".partial");
            Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
            if (!partial.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + partial + " executable");
            }
            Files.move(partial, server, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        return server;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private Path pidFile() {
        return folder.resolve("redis.pid");
    }

    private static String escaped(Path path) {
        return path.toString().replace("\\", "\\\\").replace("\"", "\\\"");
    }

    private String logTail() throws IOException {
        Path log = folder.resolve("redis.log");
        if (!Files.exists(log)) {
            return "(nothing)";
        }
        List<String> lines = Files.readAllLines(log);
        String text = String.join("\n", lines);
        return text.substring(Math.max(0, text.length() - LOG_TAIL));
    }
}
