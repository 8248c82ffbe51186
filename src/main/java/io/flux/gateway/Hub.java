package io.flux.gateway;

import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.job.TraceContext;
import io.flux.ledger.Backlog;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Ledger;
import io.flux.ledger.Place;
import io.flux.ledger.Unfollowed;
import io.flux.log.JobLog;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.ServerWebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * The only place that knows live connections and who follows which job. Doors register connections and ask to follow;
 * the stream-out route hands in what the gateway's channel carries; every event reaches every follower once, in order.
 *
 * <p>Thread-safe. {@link #publish} is called by one thread and never blocks on a client or on Redis; the other methods
 * may block for a round trip to Redis.
 */
public final class Hub implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Hub.class);
    private static final int PAGE = 512;
    private static final int BATCH = 1000;
    private static final int STRIPES = 64;
    /** RFC 6455's close code for a server that restarts: clients come back. */
    private static final int SERVICE_RESTART = 1012;

    private static final int GOING_AWAY = 1001;
    private static final int POLICY_VIOLATION = 1008;

    private final Ledger ledger;
    private final EventJson json;
    private final String channel;
    private final Attention attention;
    private final Map<String, Client> clients = new ConcurrentHashMap<>();
    private final Map<String, Job> jobs = new ConcurrentHashMap<>();
    /** Orders a gateway's joining and leaving of one job, here and in Redis, without a lock for each job. */
    private final Object[] stripes = new Object[STRIPES];

    private final ScheduledExecutorService executor;

    private final LongAdder tickets = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final LongAdder sent = new LongAdder();
    private final LongAdder catchUps = new LongAdder();

    /**
     * How long a job counts as followed.
     *
     * @param grace from the time that its last follower has left
     * @param renewal how often a gateway says that a job is followed
     */
    public record Attention(Duration grace, Duration renewal) {
        /** From one sign to the latest time for the next: never less than the grace, also when a gateway is killed. */
        public Duration length() {
            return grace.plus(renewal);
        }
    }

    /** A connection and the jobs that it follows. */
    private record Client(Connection connection, Caller caller, TraceContext trace, Set<String> follows) {
        Client(Connection connection, Caller caller, TraceContext trace) {
            this(connection, caller, trace, ConcurrentHashMap.newKeySet());
        }
    }

    /** A job with at least one follower here; {@code position} is the last one told, 0 for none. */
    private static final class Job {
        /** Empty until the ticket is sent, so that no position comes before it. */
        volatile String model = "";

        volatile List<Follower> followers = List.of();
        volatile long position;
    }

    /**
     * @param channel the gateway's channel, which journaled events come in on
     */
    public Hub(Ledger ledger, EventJson json, String channel, Attention attention) {
        this.ledger = ledger;
        this.json = json;
        this.channel = channel;
        this.attention = attention;
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new Object();
        }
        AtomicInteger number = new AtomicInteger();
        this.executor = Executors.newScheduledThreadPool(4, task -> {
            Thread thread = new Thread(task, "hub-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** A connection has opened. To be called before anything is read from it. */
    public void attach(Connection connection, Caller caller) {
        attach(connection, caller, null);
    }

    private void attach(Connection connection, Caller caller, TraceContext trace) {
        clients.put(connection.key(), new Client(connection, caller, trace));
    }

    /**
     * A WebSocket has opened; as {@link #attach(Connection, Caller)}, and on the socket's event loop.
     *
     * @param trace the trace that its messages belong to unless they say otherwise; null for none
     */
    public void attach(String key, ServerWebSocket socket, Caller caller, TraceContext trace) {
        attach(new WebSocketConnection(key, socket, sent), caller, trace);
    }

    /** The trace that a connection's messages belong to unless they say otherwise; null for none. */
    public TraceContext trace(String key) {
        Client client = clients.get(key);
        return client == null ? null : client.trace();
    }

    /** An HTTP request waits for an answer that comes event by event; as {@link #attach(Connection, Caller)}. */
    void attach(String key, HttpServerResponse response, Rendition rendition, Caller caller) {
        attach(new HttpConnection(key, response, rendition, sent), caller);
    }

    /**
     * A connection has closed: its jobs have one follower less.
     *
     * @return the ids of jobs that nobody follows any more and that want to be cancelled for that
     */
    public List<String> detach(String key) {
        Client client = clients.remove(key);
        if (client == null) {
            return List.of();
        }
        client.connection().closed();
        List<String> unwanted = new ArrayList<>();
        for (String id : client.follows()) {
            try {
                if (leave(id, client)) {
                    unwanted.add(id);
                }
            } catch (DataAccessException e) {
                // Nobody renews its attention from here on, so that it ends all the same.
                try (var unused = JobLog.about(id)) {
                    LOG.warn("the job has one follower less, which Redis could not be told: {}", e.getMessage());
                }
            }
        }
        return unwanted;
    }

    /** Takes a client from a job; true when the job is to be cancelled for that. */
    private boolean leave(String id, Client client) {
        synchronized (stripe(id)) {
            Job job = jobs.get(id);
            return job != null && forget(id, job, client) && unfollow(id);
        }
    }

    /** As {@link #leave}, for a client that has gone before it could follow the job. */
    private boolean abandon(String id) {
        synchronized (stripe(id)) {
            return !jobs.containsKey(id) && unfollow(id);
        }
    }

    /** This gateway follows a job no more; true when the job is to be cancelled for that. */
    private boolean unfollow(String id) {
        Unfollowed left = ledger.unfollow(id, channel);
        if (left == null || left.gateways() > 0) {
            return false; // it has ended, or another gateway says that it is followed
        }
        boolean unwanted = left.onDisconnect().equals(OnDisconnect.CANCEL.wireName());
        // Should the job not be cancelled by this process, the reaper does it.
        ledger.attend(left.model(), unwanted ? Duration.ZERO : attention.grace(), List.of(id));
        return unwanted;
    }

    /**
     * Pings every client.
     *
     * @return the keys of those that have not answered for several pings: they are gone, and are to be detached
     */
    public List<String> silent() {
        List<String> silent = new ArrayList<>();
        clients.forEach((key, client) -> {
            if (!client.connection().ping()) {
                silent.add(key);
                client.connection().close(GOING_AWAY, "no answer to ping");
            }
        });
        return silent;
    }

    /** Says for every job that is followed here that it is. Blocks for a round trip for each thousand of them. */
    public void attend() {
        Map<String, List<String>> followed = new HashMap<>();
        jobs.forEach((id, job) -> {
            if (!job.model.isEmpty()) {
                followed.computeIfAbsent(job.model, model -> new ArrayList<>()).add(id);
            }
        });
        followed.forEach((model, ids) -> {
            for (int from = 0; from < ids.size(); from += BATCH) {
                ledger.attend(model, attention.length(), ids.subList(from, Math.min(ids.size(), from + BATCH)));
            }
        });
    }

    /**
     * The gateway's channel is subscribed to, again perhaps: what was published in between did not come here, so every
     * follower looks into the journal.
     */
    public void resubscribed() {
        jobs.values().forEach(job -> job.followers.forEach(Follower::refresh));
    }

    /**
     * Followers to whom nothing has come since the last call look into the journal. A Cluster's nodes may lose a message
     * between them, and a failover that this gateway is one of those who follow; neither is told. Each of them costs a
     * round trip, which is not waited for.
     */
    public void lookAtQuietJobs() {
        jobs.values().forEach(job -> job.followers.forEach(Follower::refreshIfQuiet));
    }

    /** Takes a client from a job; true when nobody here follows it any more. */
    private boolean forget(String id, Job job, Client client) {
        drop(job, client);
        if (!job.followers.isEmpty()) {
            return false;
        }
        jobs.remove(id);
        return true;
    }

    private static void drop(Job job, Client client) {
        List<Follower> rest = new ArrayList<>();
        for (Follower follower : job.followers) {
            if (follower.connection() == client.connection()) {
                follower.end();
            } else {
                rest.add(follower);
            }
        }
        job.followers = List.copyOf(rest);
    }

    /** Whose connection it is; null when it has closed. */
    public Caller caller(String key) {
        Client client = clients.get(key);
        return client == null ? null : client.caller();
    }

    /** Sends a frame to one connection, if it is still there. */
    public void send(String key, String frame) {
        Client client = clients.get(key);
        if (client != null) {
            client.connection().send(frame);
        }
    }

    /**
     * Has a connection follow a job: the ticket, everything after {@code after} that the journal holds, then what comes.
     *
     * <p>A client may close its connection at any time before this is called, or while it runs: {@link #detach} did not
     * know of this job then, and what it does for the jobs that it knows is done here.
     *
     * @param after the last {@code seq} that the client has, 0 for none
     * @param place where the job stands in its queue, when it was put there just now; else null
     * @return whether the job is to be cancelled, because the connection has closed and nothing else follows the job
     * @throws Refusal {@code not_found} when there is no such job
     */
    public boolean follow(String key, String id, long after, Place place) {
        Client client = clients.get(key);
        if (client == null) {
            return abandon(id);
        }
        Follower follower = new Follower(
                id,
                client.connection(),
                after,
                this::catchUp,
                () -> json.write(JobReports.unknown(id)),
                executor,
                ended -> executor.execute(() -> ended(id, client, ended)));
        Backlog backlog;
        synchronized (stripe(id)) {
            // Known here before it is known to Redis: whatever is published from now on is not overlooked.
            Job job = jobs.computeIfAbsent(id, i -> new Job());
            drop(job, client);
            job.followers = plus(job.followers, follower);
            client.follows().add(id);
            try {
                backlog = ledger.follow(id, channel, after, PAGE);
                if (place == null && backlog.known() && !backlog.state().equals("done")) {
                    ledger.attend(backlog.model(), attention.length(), List.of(id));
                }
            } catch (RuntimeException e) {
                client.follows().remove(id);
                forget(id, job, client);
                throw e;
            }
            if (backlog.known()) {
                String ticket = json.write(ticket(id, backlog.model(), place));
                tickets.increment();
                if (backlog.isExhausted()) {
                    client.connection().over(ticket);
                } else {
                    client.connection().send(ticket);
                }
                job.position = place == null ? 0 : place.position();
                job.model = backlog.model();
            }
        }
        if (!backlog.known()) {
            leave(id, client);
            client.follows().remove(id);
            throw new Refusal(JobReports.unknown(id));
        }
        follower.begin(backlog);
        return clients.get(key) != client && leave(id, client); // closed while it was being registered
    }

    private Backlog catchUp(String id, long after) {
        catchUps.increment();
        return ledger.follow(id, channel, after, PAGE);
    }

    private static Event.Ticket ticket(String id, String model, Place place) {
        return place == null
                ? new Event.Ticket(id, model, null, null)
                : new Event.Ticket(id, model, place.position(), place.etaMs());
    }

    private static List<Follower> plus(List<Follower> followers, Follower follower) {
        List<Follower> more = new ArrayList<>(followers);
        more.add(follower);
        return List.copyOf(more);
    }

    private void ended(String id, Client client, Follower ended) {
        synchronized (stripe(id)) {
            Job job = jobs.get(id);
            if (job == null) {
                return;
            }
            // This follower only: its client may have asked again in the meantime.
            job.followers =
                    job.followers.stream().filter(follower -> follower != ended).toList();
            if (job.followers.stream().noneMatch(follower -> follower.connection() == client.connection())) {
                client.follows().remove(id);
            }
            if (job.followers.isEmpty()) {
                jobs.remove(id);
            }
        }
        if (client.follows().isEmpty()) {
            client.connection().idle();
        }
    }

    /** Delivers one message of the gateway's channel. */
    public void publish(String message) {
        JournalEntry entry = JournalEntry.published(message);
        Job job = jobs.get(entry.id());
        if (job != null) {
            received.increment();
            for (Follower follower : job.followers) {
                follower.offer(entry);
            }
        }
    }

    /** The models that somebody here waits for, in order. */
    public Collection<String> waitingModels() {
        Set<String> models = new TreeSet<>();
        for (Job job : jobs.values()) {
            if (!job.model.isEmpty() && job.followers.stream().anyMatch(Follower::isWaiting)) {
                models.add(job.model);
            }
        }
        return models;
    }

    /**
     * Tells those who wait where they stand, if that has changed.
     *
     * @param model the queue's model
     * @param waiting the ids of the jobs that wait, in the order of their service
     * @param paceMs ms between two ends of jobs while the queue is not empty; 0 when that is not known
     */
    public void positions(String model, List<String> waiting, long paceMs) {
        Map<String, Integer> places = new HashMap<>();
        for (int i = 0; i < waiting.size(); i++) {
            places.put(waiting.get(i), i + 1);
        }
        jobs.forEach((id, job) -> {
            Integer place = job.model.equals(model) ? places.get(id) : null;
            if (place == null || place == job.position) {
                return;
            }
            job.position = place;
            String frame = json.write(new Event.Position(id, place, Place.etaMs(place, paceMs)));
            for (Follower follower : job.followers) {
                if (follower.isWaiting()) {
                    follower.connection().send(frame);
                }
            }
        });
    }

    /** From here on an HTTP client is shown its events in another way. */
    public void render(String key, Supplier<Rendition> rendition) {
        Client client = clients.get(key);
        if (client != null && client.connection() instanceof HttpConnection http) {
            http.render(rendition.get());
        }
    }

    /**
     * Closes the connections that came with a key.
     *
     * @param key its name, {@link Caller#key}
     */
    public void expel(String key) {
        clients.forEach((connection, client) -> {
            Caller caller = caller(connection);
            if (caller != null && caller.key().equals(key)) {
                client.connection().close(POLICY_VIOLATION, "the key is not valid any more, or has changed");
            }
        });
    }

    /** Connections that are open. */
    public int connections() {
        return clients.size();
    }

    /** Those of them whose client reads too slowly. */
    long behind() {
        return clients.values().stream()
                .filter(client -> client.connection().isBehind())
                .count();
    }

    /** Jobs that somebody here follows. */
    int followed() {
        return jobs.size();
    }

    /** Tickets that were sent so far. */
    long tickets() {
        return tickets.sum();
    }

    /** Events that have come in for somebody here so far. */
    long received() {
        return received.sum();
    }

    /** Bytes that were handed to sockets so far. */
    long sent() {
        return sent.sum();
    }

    /** Pages of journals that were read so far, beside the first one of each follower. */
    long catchUps() {
        return catchUps.sum();
    }

    /** Sends every client away, to come back elsewhere, and stops. */
    @Override
    public void close() {
        LOG.debug("closing {} connections", clients.size());
        clients.values().forEach(client -> client.connection().close(SERVICE_RESTART, "restarting"));
        executor.shutdownNow();
    }

    private Object stripe(String id) {
        return stripes[(id.hashCode() & Integer.MAX_VALUE) % STRIPES];
    }
}
