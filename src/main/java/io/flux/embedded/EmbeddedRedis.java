package io.flux.embedded;

import java.io.IOException;
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
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Redis server on loopback, with its data in a folder and its append-only file on, so that a restart loses nothing:
 * the machine's own {@code redis-server} when that is new enough, else the one in our own jar.
 *
 * <p>Every user of the machine can reach a port on loopback. So the server requires a password, a new one for each object
 * of this class; its user may run no command that reads or writes files, loads code or changes the server; and folder and
 * files belong to Flux's user alone. The password lies in {@code password} in the folder, for an operator.
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
    /** What Redis logs when another program listens on its port, which is after it went into the background. */
    private static final String PORT_TAKEN = "Failed listening on port";

    /** What Redis logs when it listens and has read its data. */
    private static final String READY = "Ready to accept connections";

    /** What an operator looks with, and what Flux's bench reads: nothing that changes the server. */
    private static final String LOOKING = "+info +keys +client|list +client|kill +slowlog|get +slowlog|len";

    private static final int PASSWORD_BYTES = 32;
    private static final Set<PosixFilePermission> OWN_FILE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWN_FOLDER = PosixFilePermissions.fromString("rwx------");
    /** Redis 7 and newer keep the append-only file in parts, which an older one does not see. */
    private static final String AOF_PARTS = "appendonlydir";

    /** The guard's name among its arguments. */
    private static final String GUARD_NAME = "flux-redis-guard";

    /**
     * $1 server, $2 configuration, $3 the server's pid file, $4 the guard's. Exit code 3: the server did not start. A
     * process is only killed when it is a redis-server: its number may be somebody else's by then.
     */
    private static final String GUARD =
            """
            umask 077
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

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

    private final Path folder;
    private final boolean anyPort;
    private final String searchPath;
    private final String password = randomPassword();
    private RedisProgram program;
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
        this(folder, port, System.getenv().getOrDefault("PATH", ""));
    }

    /** @param searchPath the folders that may hold a redis-server of the machine, as in PATH */
    EmbeddedRedis(Path folder, int port, String searchPath) {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port must be between 0 and 65535, not " + port);
        }
        this.folder = folder.toAbsolutePath().normalize();
        this.port = port;
        this.anyPort = port == 0;
        this.searchPath = searchPath;
    }

    /**
     * Where it listens, with user and password: for clients, never for a log or a command line. Stays the same when it is
     * stopped and started again.
     *
     * @throws IllegalStateException when it has no port yet
     */
    public URI uri() {
        return URI.create("redis://default:" + password + "@" + address());
    }

    /**
     * Where it listens, {@code host:port}, for people.
     *
     * @throws IllegalStateException when it has no port yet
     */
    public String address() {
        if (port == 0) {
            throw new IllegalStateException("the embedded Redis was not started, so it has no address");
        }
        return "127.0.0.1:" + port;
    }

    /**
     * Which server runs, for people.
     *
     * @throws IllegalStateException when it was not started
     */
    public String program() {
        if (program == null) {
            throw new IllegalStateException("the embedded Redis was not started");
        }
        return program.toString();
    }

    private static String randomPassword() {
        byte[] bytes = new byte[PASSWORD_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /**
     * Starts the server and waits until it answers.
     *
     * @throws IllegalStateException when another Flux uses the folder, the platform has no binary, the binary is older than
     *     the data, or it does not start
     * @throws UncheckedIOException when the folder cannot be written
     */
    public void start() {
        if (guard != null) {
            throw new IllegalStateException("the embedded Redis was started already, at " + address());
        }
        boolean started = false;
        try {
            Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWN_FOLDER));
            takeFolder();
            endLeftover();
            closeToOthers();
            program = RedisProgram.choose(searchPath, folder);
            if (program.major() < 7 && holdsParts()) {
                throw new IllegalStateException(
                        "the data in " + folder + " was written by Redis 7 or newer, which " + program
                                + " cannot read; install such a redis-server again, or set FLUX_DATA to another folder");
            }
            launch(program.file());
            started = true;
            if (!program.isCurrent()) {
                LOG.warn(
                        "The embedded Redis is {}, which lacks the security fixes of {}; install a redis-server at least"
                                + " that new, or point FLUX_REDIS_URL at one",
                        program,
                        RedisProgram.OLDEST_CURRENT);
            }
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

    /** Folders and files that an earlier version left open to other users. */
    private void closeToOthers() throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(folder.toRealPath())) {
            all = files.filter(file -> !Files.isSymbolicLink(file)).toList();
        }
        for (Path file : all) {
            boolean runs = Files.isDirectory(file) || Files.isExecutable(file);
            try {
                Files.setPosixFilePermissions(file, runs ? OWN_FOLDER : OWN_FILE);
            } catch (NoSuchFileException e) {
                LOG.debug("{} has gone", file, e);
            } catch (FileSystemException e) {
                LOG.warn(
                        "Other users may be able to read {}: its permissions cannot be changed ({})",
                        file,
                        e.toString());
            }
        }
    }

    private boolean holdsParts() throws IOException {
        Path parts = folder.resolve(AOF_PARTS);
        if (!Files.isDirectory(parts)) {
            return false;
        }
        try (Stream<Path> files = Files.list(parts)) {
            return files.findAny().isPresent();
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

    /** By its working folder, where the system tells: the program may be the machine's, which others run too. */
    private Optional<ProcessHandle> serverOnFile() throws IOException {
        Path real = folder.toRealPath();
        return process(pidFile()).filter(process -> {
            Path system = Path.of("/proc", String.valueOf(process.pid()));
            try {
                if (Files.isDirectory(system)) {
                    return Files.readString(system.resolve("cmdline")).contains("redis-server")
                            && Files.readSymbolicLink(system.resolve("cwd")).equals(real);
                }
            } catch (IOException e) {
                return false; // another user's, or gone
            }
            return process.info().command().orElse("").contains("redis-server")
                    && process.info()
                            .user()
                            .equals(ProcessHandle.current().info().user());
        });
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
        writeOwn(startLog(), "");
        writeOwn(folder.resolve("password"), password + "\n");
        writeOwn(
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
                user default reset on #%s ~* &* +@all -@admin -@dangerous %s
                """
                        .formatted(
                                Integer.toString(port),
                                escaped(folder),
                                escaped(pidFile()),
                                escaped(redisLog()),
                                sha256(password),
                                LOOKING));
        logStart = Files.exists(redisLog()) ? Files.size(redisLog()) : 0;
        ProcessBuilder builder = new ProcessBuilder(
                        "/bin/sh",
                        "-c",
                        GUARD,
                        GUARD_NAME,
                        server.toString(),
                        configuration.toString(),
                        pidFile().toString(),
                        guardFile().toString())
                .redirectErrorStream(true)
                .redirectOutput(startLog().toFile());
        // Neither shell nor server needs anything else of ours, such as keys.
        builder.environment().keySet().retainAll(Set.of("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ"));
        guard = builder.start();
    }

    /** Readable by Flux's user alone from the first byte on. */
    private static void writeOwn(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(OWN_FILE));
        Files.writeString(file, text);
    }

    private static String sha256(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private enum Start {
        ANSWERS,
        PORT_TAKEN,
        FAILED
    }

    private Start awaitAnswer() throws IOException {
        long begin = System.nanoTime();
        long patience = PATIENCE.toNanos();
        while (System.nanoTime() - begin < patience) {
            String said = redisLogText();
            if (said.contains(PORT_TAKEN)) {
                return Start.PORT_TAKEN;
            }
            // Only now is it our server that listens: another program on the port would be shown the password.
            if (said.contains(READY) && answers()) {
                return Start.ANSWERS;
            }
            if (!guard.isAlive() || serverDied()) {
                return redisLogText().contains(PORT_TAKEN) ? Start.PORT_TAKEN : Start.FAILED;
            }
            if (serverOnFile().isPresent()) {
                patience = LOADING_PATIENCE.toNanos();
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

    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
            socket.setSoTimeout(500);
            socket.getOutputStream()
                    .write(("AUTH " + password + "\r\nPING\r\nQUIT\r\n").getBytes(StandardCharsets.US_ASCII));
            String text = new String(socket.getInputStream().readNBytes(8192), StandardCharsets.UTF_8);
            return text.startsWith("+OK\r\n+PONG\r\n");
        } catch (IOException e) {
            return false;
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
