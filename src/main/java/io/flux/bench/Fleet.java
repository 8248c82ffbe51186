package io.flux.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Worker processes, as many as are wanted, started and ended as Kubernetes starts and ends pods: of those too many, first the ones
 * that are not ready, then the newest; SIGTERM, and SIGKILL when the grace is over. Used by one thread.
 */
final class Fleet implements AutoCloseable {
    private final Path folder;
    private final Map<String, String> options;
    private final Duration grace;
    private final List<FluxProcess> workers = new ArrayList<>();
    private final List<Leaving> leaving = new ArrayList<>();
    private int started;
    private int killed;
    private int failed;

    private record Leaving(FluxProcess worker, long killAt) {}

    /**
     * @param options of each worker
     * @param grace how long one that is told to end may take
     */
    Fleet(Path folder, Map<String, String> options, Duration grace) {
        this.folder = folder;
        this.options = options;
        this.grace = grace;
    }

    /** Starts or ends workers until there are so many, not counting those that are leaving. Does not wait for them. */
    void scaleTo(int wanted) throws IOException {
        while (workers.size() < wanted) {
            workers.add(FluxProcess.start("worker-" + ++started, folder, options));
        }
        while (workers.size() > wanted) {
            FluxProcess next = nextToGo();
            workers.remove(next);
            next.terminate();
            leaving.add(new Leaving(next, System.nanoTime() + grace.toNanos()));
        }
    }

    private FluxProcess nextToGo() throws IOException {
        for (FluxProcess worker : workers) {
            if (!worker.isReady()) {
                return worker;
            }
        }
        return workers.get(workers.size() - 1);
    }

    /**
     * Looks at what became of them: replaces those that died, and kills those whose grace is over.
     *
     * @throws IOException when a worker cannot be started
     */
    void tend() throws IOException {
        for (FluxProcess dead :
                workers.stream().filter(worker -> !worker.isAlive()).toList()) {
            failed++;
            workers.remove(dead);
            workers.add(FluxProcess.start("worker-" + ++started, folder, options));
        }
        for (Leaving gone :
                leaving.stream().filter(one -> !one.worker.isAlive()).toList()) {
            leaving.remove(gone);
            if (!gone.worker.endedAsTold()) {
                failed++;
            }
        }
        leaving.stream().filter(one -> System.nanoTime() > one.killAt).forEach(late -> {
            killed++;
            late.worker.kill();
        });
    }

    /** Ends all that are left, and waits for them. */
    @Override
    public void close() throws InterruptedException {
        List<FluxProcess> all = new ArrayList<>(workers);
        leaving.forEach(one -> all.add(one.worker));
        all.forEach(FluxProcess::terminate);
        for (FluxProcess worker : all) {
            if (!worker.awaitEnd(grace)) {
                worker.kill();
            }
        }
    }

    /** How many there are to be. */
    int wanted() {
        return workers.size();
    }

    /** How many of them serve. */
    int ready() throws IOException {
        int ready = 0;
        for (FluxProcess worker : workers) {
            ready += worker.isReady() ? 1 : 0;
        }
        return ready;
    }

    /** How many have been told to end and have not yet. */
    int leaving() {
        return leaving.size();
    }

    /** How many were started in all. */
    int started() {
        return started;
    }

    /** How many did not end within their grace. */
    int killed() {
        return killed;
    }

    /** How many died without having been told to, or ended with an error. */
    int failed() {
        return failed;
    }
}
