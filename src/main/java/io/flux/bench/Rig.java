package io.flux.bench;

import io.flux.embedded.EmbeddedRedis;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A Flux to be measured: a Redis, a gateway, workers with a {@link PacedEngine} or the engine that the environment names, each
 * a process of its own, and clients. Made for one scenario and closed behind it. For one thread.
 */
final class Rig implements AutoCloseable {
    static final Duration START = Duration.ofMinutes(1);
    private static final Duration END = Duration.ofSeconds(40);
    private static final long STEP_NANOS = 2_000_000;
    /** What says which engine answers. */
    private static final Pattern ENGINE_OPTION =
            Pattern.compile("FLUX_(ENGINE|LLAMA_DIR|LLAMA_ARGS|MODEL_FILE|TEMPLATE|THREADS|CONTEXT|OPENAI_.*)");

    private final Path folder;
    private final Setup setup;
    private final EmbeddedRedis redis;
    private final List<FluxProcess> workers = new ArrayList<>();
    private final StreamClients clients = new StreamClients();
    private RedisProbe probe;
    private FluxProcess gateway;

    /**
     * What is to be there.
     *
     * @param workers none for a gateway alone
     * @param slots of each worker
     * @param options more of Flux's options, for all processes
     * @param configured whether the engine is the one that the environment's {@code FLUX_} options name
     */
    record Setup(int workers, int slots, Map<String, String> options, boolean configured) {
        Setup(int workers, int slots) {
            this(workers, slots, Map.of(), false);
        }

        Setup with(Map<String, String> more) {
            return new Setup(workers, slots, more, configured);
        }
    }

    private Rig(Path folder, Setup setup) {
        this.folder = folder.toAbsolutePath();
        this.setup = setup;
        this.redis = new EmbeddedRedis(this.folder.resolve("redis"));
    }

    /**
     * Starts all of it, and waits until it serves.
     *
     * @param folder of logs and data; made when it is not there
     * @throws IOException when a part does not start
     */
    static Rig start(Path folder, Setup setup) throws IOException, InterruptedException {
        Rig rig = new Rig(folder, setup);
        boolean started = false;
        try {
            Files.createDirectories(rig.stamps());
            rig.redis.start();
            rig.probe = new RedisProbe(rig.redis.uri());
            rig.gateway =
                    FluxProcess.start("gateway", rig.folder, rig.options("gateway", Map.of("FLUX_MODEL", "default")));
            for (int i = 0; i < setup.workers(); i++) {
                rig.startWorker();
            }
            rig.gateway.awaitReady(START);
            for (FluxProcess worker : rig.workers) {
                worker.awaitReady(START);
            }
            started = true;
            return rig;
        } finally {
            if (!started) {
                rig.close();
            }
        }
    }

    private Map<String, String> options(String bundle, Map<String, String> more) {
        Map<String, String> options = new HashMap<>(setup.options());
        options.put("FLUX_REDIS_URL", redis.uri().toString());
        options.put("FLUX_BUNDLES", bundle);
        options.put("FLUX_MAX_TOKENS_LIMIT", String.valueOf(Story.MOST));
        options.putAll(more);
        return options;
    }

    /** Starts one more worker. Does not wait. */
    FluxProcess startWorker() throws IOException {
        FluxProcess worker = FluxProcess.start("worker-" + (workers.size() + 1), folder, workerOptions());
        workers.add(worker);
        return worker;
    }

    /** The options of a worker, for who starts workers himself. */
    Map<String, String> workerOptions() throws IOException {
        Map<String, String> options = new HashMap<>(Map.of("FLUX_SLOTS", String.valueOf(setup.slots())));
        if (setup.configured()) {
            System.getenv().forEach((name, value) -> {
                if (ENGINE_OPTION.matcher(name).matches()) {
                    options.put(name, value);
                }
            });
        } else {
            options.putAll(pacedEngine(folder.resolve("engine"), stamps()));
        }
        return options("worker", options);
    }

    /**
     * The options of a worker whose llama-completion is a {@link PacedEngine}.
     *
     * @param folder where that program is put
     * @param stamps where it notes its times
     */
    private static Map<String, String> pacedEngine(Path folder, Path stamps) throws IOException {
        Path command = Files.createDirectories(folder).resolve("llama-completion");
        String java = FluxProcess.small(PacedEngine.class, "-D" + PacedEngine.STAMPS + "=" + stamps).stream()
                .map(part -> "'" + part.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
        Files.writeString(command, "#!/bin/sh\nexec " + java + "\n");
        Files.setPosixFilePermissions(command, PosixFilePermissions.fromString("rwxr-xr-x"));
        return Map.of(
                "FLUX_ENGINE", "llama-completion",
                "FLUX_LLAMA_DIR", command.getParent().toString(),
                "FLUX_TEMPLATE", "none");
    }

    /** Where engines note when they wrote what. */
    Path stamps() {
        return folder.resolve("stamps");
    }

    FluxProcess gateway() {
        return gateway;
    }

    int port() throws IOException {
        return gateway.port();
    }

    /** The workers that were started, those that have ended too. */
    List<FluxProcess> workers() {
        return workers;
    }

    StreamClients clients() {
        return clients;
    }

    URI redisUri() {
        return redis.uri();
    }

    RedisProbe redis() {
        return probe;
    }

    /** What the processes have used so far. */
    Usage usage() {
        return new Usage(
                System.nanoTime(),
                gateway.cpu(),
                workers.stream().map(FluxProcess::cpu).reduce(Duration.ZERO, Duration::plus),
                probe.cpu());
    }

    /**
     * Waits until something holds.
     *
     * @throws IOException when it does not in time
     */
    static void await(String what, Duration patience, BooleanSupplier condition)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new IOException("after " + patience.toSeconds() + " s: " + what + " is still to come");
            }
            pause(STEP_NANOS);
        }
    }

    /** Lets time go by. */
    static void pause(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /** Ends all of it, also for one who was interrupted. */
    @Override
    public void close() throws InterruptedException {
        boolean interrupted = Thread.interrupted();
        clients.close();
        if (probe != null) {
            probe.close();
        }
        List<FluxProcess> all = new ArrayList<>(workers);
        if (gateway != null) {
            all.add(gateway);
        }
        all.forEach(FluxProcess::terminate);
        for (FluxProcess process : all) {
            if (!process.awaitEnd(END)) {
                process.kill();
            }
        }
        redis.stop();
        if (interrupted) {
            throw new InterruptedException();
        }
    }
}
