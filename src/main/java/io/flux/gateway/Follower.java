package io.flux.gateway;

import io.flux.ledger.Backlog;
import io.flux.ledger.JournalEntry;
import io.flux.log.JobLog;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * One client's view of one job: hands it every event once, in order of {@code seq}.
 *
 * <pre>
 *             begin
 *   (new) ───────────▶ CATCHING_UP ──backlog empty──▶ LIVE
 *                        ▲  ▲    │                     │
 *        client caught up│  │    │client behind        │hole in seq, client behind, or refresh
 *                        │  └────┼─────────────────────┘
 *                       LAGGING ◀┘                              last event: ENDED, from LIVE or CATCHING_UP
 * </pre>
 *
 * <p>The fast path is {@link #offer}: the next event of a live follower is sent at once. Everything else (a hole, a
 * client that does not read) falls back to the journal, which has every event. While catching up, offered events are
 * only noted: the journal holds them too.
 *
 * <p>Thread-safe. {@link #offer} does not block; reading the journal happens on the executor.
 */
final class Follower {
    private static final Logger LOG = LoggerFactory.getLogger(Follower.class);
    private static final Duration RETRY = Duration.ofMillis(500);
    /** RFC 6455's close code for a server that cannot go on. */
    private static final int INTERNAL_ERROR = 1011;

    private enum State {
        CATCHING_UP,
        LAGGING,
        LIVE,
        ENDED
    }

    /** Reads a page of the journal; blocks. */
    interface JournalReader {
        Backlog read(String id, long after);
    }

    private final String id;
    private final Connection connection;
    private final JournalReader journal;
    private final Supplier<String> farewell;
    private final ScheduledExecutorService executor;
    private final Consumer<Follower> onEnd;

    private State state = State.CATCHING_UP;
    private long last;
    private boolean missed;
    private boolean begun;
    private boolean quiet;

    /**
     * @param after the last {@code seq} that the client has
     * @param farewell the frame for a client whose job turns out to be gone
     * @param onEnd told once, when there is nothing more to send
     */
    Follower(
            String id,
            Connection connection,
            long after,
            JournalReader journal,
            Supplier<String> farewell,
            ScheduledExecutorService executor,
            Consumer<Follower> onEnd) {
        this.id = id;
        this.connection = connection;
        this.last = after;
        this.begun = after > 0;
        this.journal = journal;
        this.farewell = farewell;
        this.executor = executor;
        this.onEnd = onEnd;
    }

    Connection connection() {
        return connection;
    }

    /** Sends nothing more. */
    synchronized void end() {
        state = State.ENDED;
    }

    /** Whether the job's first event is still to come: the job waits in the queue. */
    synchronized boolean isWaiting() {
        return !begun && state != State.ENDED;
    }

    /** Takes a published event; any order, any number of times. */
    synchronized void offer(JournalEntry entry) {
        if (state == State.ENDED || entry.seq() <= last) {
            return;
        }
        if (state != State.LIVE) {
            missed = true;
        } else if (entry.seq() > last + 1) {
            recover();
        } else if (connection.isBehind()) {
            lag();
        } else {
            send(entry);
        }
    }

    /** Delivers what the journal held when the follower was registered, and goes on from there. */
    void begin(Backlog backlog) {
        catchUp(backlog);
    }

    /** @param first null to read it */
    private void catchUp(Backlog first) {
        try {
            Backlog page = first == null ? journal.read(id, last()) : first;
            while (deliver(page)) {
                page = journal.read(id, last());
            }
        } catch (DataAccessException e) {
            try (var unused = JobLog.about(id)) {
                LOG.warn("the journal cannot be read, trying again: {}", e.getMessage());
            }
            executor.schedule(() -> catchUp(null), RETRY.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RuntimeException | Error e) {
            // Nobody else would hear of it, and the client would wait for ever: it may come again and resume.
            try (var unused = JobLog.about(id)) {
                LOG.error("the journal cannot be delivered", e);
            }
            connection.close(INTERNAL_ERROR, "internal error");
            throw e;
        }
    }

    /** Delivers a page; true when another is to be read. */
    private synchronized boolean deliver(Backlog page) {
        if (!page.known()) {
            vanish();
            return false;
        }
        for (JournalEntry entry : page.entries()) {
            if (state == State.ENDED || entry.seq() <= last) {
                continue;
            }
            if (connection.isBehind()) {
                lag();
                return false;
            }
            send(entry);
        }
        if (state != State.CATCHING_UP) {
            return false;
        }
        if (page.isExhausted()) {
            state = State.ENDED; // the client had the end already
            onEnd.accept(this);
            return false;
        }
        if (page.entries().isEmpty() && !missed) {
            state = State.LIVE;
            return false;
        }
        missed = false;
        return true;
    }

    private void send(JournalEntry entry) {
        connection.send(entry.frame());
        last = entry.seq();
        begun = true;
        quiet = false;
        if (entry.last()) {
            state = State.ENDED;
            onEnd.accept(this);
        }
    }

    /** Redis does not know the job any more: it came back without its data, or the job has expired meanwhile. */
    private void vanish() {
        if (state != State.ENDED) {
            connection.send(farewell.get());
            state = State.ENDED;
            onEnd.accept(this);
        }
    }

    /** Events may have been published that did not come here: looks into the journal. */
    synchronized void refresh() {
        if (state == State.LIVE) {
            recover();
        } else {
            missed = true;
        }
    }

    /** As {@link #refresh}, when nothing has come since the last call. */
    synchronized void refreshIfQuiet() {
        if (quiet && state == State.LIVE) {
            recover();
        }
        quiet = true;
    }

    private void lag() {
        state = State.LAGGING;
        connection.whenCaughtUp(this::resume);
    }

    private synchronized void resume() {
        if (state == State.LAGGING) {
            recover();
        }
    }

    private void recover() {
        state = State.CATCHING_UP;
        executor.execute(() -> catchUp(null));
    }

    private synchronized long last() {
        return last;
    }
}
