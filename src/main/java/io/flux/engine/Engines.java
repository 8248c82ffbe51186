package io.flux.engine;

import io.flux.log.JobLog;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines that run in this worker, by request. Opens a process, or a server's answer, as a stream, lets others stop it,
 * and stops one whose time is over or that writes nothing for too long. One daemon thread, ended by {@link #close},
 * watches. For any thread.
 */
public final class Engines implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engines.class);
    /** How late a deadline may be noticed. */
    private static final long LONGEST_TICK_MILLIS = 50;

    /** How long an engine may keep its reader waiting unless told otherwise; loading a model is in it. */
    public static final Duration DEFAULT_STALL = Duration.ofMinutes(2);

    private final Map<String, EngineStream> streams = new ConcurrentHashMap<>();
    private final Map<String, HttpRun> calls = new ConcurrentHashMap<>();
    private final AtomicLong callNumber = new AtomicLong();
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    private final long stallNanos;
    private final LongSupplier nanoTime;
    private final ScheduledExecutorService watchdog;
    private volatile boolean closed;

    public Engines() {
        this(DEFAULT_STALL);
    }

    /** @param stall how long an engine may write nothing while somebody waits for it */
    public Engines(Duration stall) {
        this(stall, System::nanoTime);
    }

    Engines(Duration stall, LongSupplier nanoTime) {
        if (stall.isNegative() || stall.isZero()) {
            throw new IllegalArgumentException("the stall time must be positive, not " + stall);
        }
        this.stallNanos = stall.toNanos();
        this.nanoTime = nanoTime;
        this.watchdog = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "flux-engine-watchdog");
            thread.setDaemon(true);
            return thread;
        });
        long tick = Math.max(10, Math.min(LONGEST_TICK_MILLIS, stall.toMillis() / 4));
        var unused = watchdog.scheduleWithFixedDelay(this::watch, tick, tick, TimeUnit.MILLISECONDS);
    }

    /**
     * Makes a stream of a llama-completion process, or of one that writes as it does. A stream of the same request that
     * is open still is stopped as {@link StopReason#LOST}: a request has one engine.
     */
    public EngineStream open(LiveProcess process, EngineJob job) {
        return open(process, job, EngineDialect.LLAMA_COMPLETION);
    }

    /** Makes a stream of a process whose stdout is the answer and nothing else. */
    public EngineStream openPlain(LiveProcess process, EngineJob job) {
        return open(process, job, EngineDialect.PLAIN);
    }

    /**
     * Begins to ask a server: from now on the job can be stopped, its time runs, and so does the stall clock. Requests of
     * the call name it in {@link LiveHttp#CALL_HEADER}.
     */
    public EngineCall call(EngineJob job) {
        HttpRun run = new HttpRun(Long.toString(callNumber.incrementAndGet()));
        calls.put(run.name(), run);
        EngineStream stream = open(run, job);
        stream.waitFor();
        return new EngineCall(stream, run);
    }

    /** The call of that name that is not over; or null. */
    HttpRun calling(String name) {
        return calls.get(name);
    }

    /**
     * The stream of a call that a step failed for.
     *
     * @param cause an {@link EngineException}, or what a connection throws that cannot be made or that broke
     */
    public EngineStream failed(EngineCall call, Throwable cause) {
        EngineFailure failure = HttpFailures.of(cause);
        LOG.debug("the engine could not be asked", cause);
        return call.ended(EngineEnd.failed(failure, null, cause.toString()));
    }

    /** The stream of a job for which no engine needs to be asked: earlier attempts have used up its tokens. */
    public Iterator<EngineOutput> usedUp() {
        return List.<EngineOutput>of(EngineEnd.unasked(FinishReason.LENGTH)).iterator();
    }

    /** The stream of a call that needs not be made: earlier attempts have used up its job's tokens. */
    public EngineStream notNeeded(EngineCall call) {
        return call.ended(EngineEnd.unasked(FinishReason.LENGTH));
    }

    private EngineStream open(LiveProcess process, EngineJob job, EngineDialect dialect) {
        return open(new ProcessRun(process, job.request(), dialect), job);
    }

    private EngineStream open(EngineRun run, EngineJob job) {
        EngineStream stream = new EngineStream(run, job, nanoTime, this::forget);
        EngineStream before = streams.put(job.requestId(), stream);
        if (before != null) {
            before.stop(StopReason.LOST);
        }
        if (closed) {
            stream.abandon();
        }
        listeners.forEach(listener -> listener.accept(job.requestId()));
        return stream;
    }

    /**
     * Has a listener told of each stream that opens, by its request, before anybody reads it: who wanted the request stopped
     * before there was anything to stop can do so now.
     */
    public void onOpen(Consumer<String> listener) {
        listeners.add(listener);
    }

    /**
     * Ends the engine of a request now.
     *
     * @return false when no engine runs for it here: it has ended, or is not open yet and the caller must remember
     */
    public boolean stop(String requestId, StopReason reason) {
        EngineStream stream = streams.get(requestId);
        return stream != null && stream.stop(reason);
    }

    /** How many engines run. */
    public int running() {
        return streams.size();
    }

    /** The requests that an engine works on. */
    public Set<String> requestIds() {
        return Set.copyOf(streams.keySet());
    }

    /** Stops all engines as {@link StopReason#LOST} and the watch over them. */
    @Override
    public void close() {
        closed = true;
        List.copyOf(streams.values()).forEach(EngineStream::abandon);
        watchdog.shutdownNow();
    }

    private void forget(EngineStream stream) {
        streams.remove(stream.job().requestId(), stream);
        if (stream.run() instanceof HttpRun run) {
            calls.remove(run.name());
        }
    }

    private void watch() {
        for (EngineStream stream : streams.values()) {
            try {
                stream.watch(stallNanos);
            } catch (RuntimeException e) {
                // One bad stream must not end the watch over the others.
                EngineJob job = stream.job();
                try (var unused = JobLog.about(job.requestId(), job.model(), job.attempt())) {
                    LOG.warn("the engine could not be watched", e);
                }
            }
        }
    }
}
