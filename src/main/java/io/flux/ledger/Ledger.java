package io.flux.ledger;

import io.flux.job.JobIds;
import io.flux.job.JobRecord;
import io.flux.job.TraceContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * The job's life, one method for each transition:
 *
 * <pre>
 *   create ──▶ created ──enqueue, accept──▶ queued ──claim, start──▶ running ──finish──▶ done ──retention──▶ gone
 *                 │                           │  ▲                    │   │
 *                 └─ expires                  │  ├──── retry, requeue ┘   │  the worker gives it back
 *                                             │  └──── reclaim, recover ──┘  its lease ran out
 *                                             └──── end ──▶ done             cancelled, overdue, nobody follows, no attempt left
 * </pre>
 *
 * <p>Every method is one atomic script on one hash slot, and every one that is about a job may be repeated without harm, so that a crash
 * between two of them leaves a state that can be repaired: {@link #reap} finds what got stuck, on whichever list it is.
 * All time comes from Redis. Methods block for one round trip and throw Spring's {@code DataAccessException} when Redis
 * does not answer. Thread-safe.
 */
public final class Ledger {
    /** No more of a journal is read at once, whatever the number of events: an engine may write 8 KiB in one. */
    private static final String PAGE_CHARS = Integer.toString(256 * 1024);

    /** More attempts are those of a job that was handed over again and again; the last ones tell why. */
    private static final int ATTEMPTS_TOLD = 32;

    private static final String SURVEYED_TENANTS = "64";

    private final StringRedisTemplate redis;
    private final Replicas replicas;
    private final Duration retention;
    private final Duration unaccepted;

    private final RedisScript<List<Object>> create = script("create", List.class);
    private final RedisScript<Long> spend = script("spend", Long.class);
    private final RedisScript<List<Object>> enqueue = script("enqueue", List.class);
    private final RedisScript<Long> accept = script("accept", Long.class);
    private final RedisScript<Long> forget = script("forget", Long.class);
    private final RedisScript<List<Object>> follow = script("follow", List.class);
    private final RedisScript<List<Object>> unfollow = script("unfollow", List.class);
    private final RedisScript<Long> attend = script("attend", Long.class);
    private final RedisScript<String> claim = script("claim", String.class);
    private final RedisScript<List<Object>> look = script("look", List.class);
    private final RedisScript<List<Object>> renew = script("renew", List.class);
    private final RedisScript<List<Object>> start = script("start", List.class);
    private final RedisScript<String> append = script("append", String.class);
    private final RedisScript<String> check = script("check", String.class);
    private final RedisScript<String> finish = script("finish", String.class);
    private final RedisScript<Long> release = script("release", Long.class);
    private final RedisScript<String> retry = script("retry", String.class);
    private final RedisScript<Long> requeue = script("requeue", Long.class);
    private final RedisScript<List<Object>> end = script("end", List.class);
    private final RedisScript<Long> remove = script("remove", Long.class);
    private final RedisScript<Long> bury = script("bury", Long.class);
    private final RedisScript<List<Object>> reap = script("reap", List.class);
    private final RedisScript<List<Object>> reclaim = script("reclaim", List.class);
    private final RedisScript<Long> recover = script("recover", Long.class);
    private final RedisScript<Long> announce = script("announce", Long.class);
    private final RedisScript<List<Object>> announced = script("announced", List.class);
    private final RedisScript<List<Object>> survey = script("survey", List.class);

    /**
     * @param retention how long a finished job and its journal are kept
     * @param unaccepted how long a job is kept whose ticket was never sent
     */
    public Ledger(StringRedisTemplate redis, Duration retention, Duration unaccepted) {
        this(redis, Replicas.NONE, retention, unaccepted);
    }

    /**
     * @param replicas that are to have what a failover must not undo
     * @param retention how long a finished job and its journal are kept
     * @param unaccepted how long a job is kept whose ticket was never sent
     */
    public Ledger(StringRedisTemplate redis, Replicas replicas, Duration retention, Duration unaccepted) {
        this.redis = redis;
        this.replicas = replicas;
        this.retention = retention;
        this.unaccepted = unaccepted;
    }

    /** A step that a failover must not undo: refused while the replicas do not have it. */
    private <T> T surely(RedisScript<T> script, List<String> keys, Object... arguments) {
        return replicas.any() ? replicas.write(script, keys, true, arguments) : redis.execute(script, keys, arguments);
    }

    /** A step that had better not be undone: it waits for the replicas, and goes on without them. */
    private <T> T preferably(RedisScript<T> script, List<String> keys, Object... arguments) {
        return replicas.any() ? replicas.write(script, keys, false, arguments) : redis.execute(script, keys, arguments);
    }

    private static <T> RedisScript<T> script(String verb, Class<?> result) {
        return new NamedScript<>(verb, result);
    }

    /**
     * Takes a token out of a tenant's bucket, which all gateways share. The one method that may not be repeated without
     * harm: that takes another token.
     *
     * @param perSecond tokens that come in each second
     * @param burst tokens that the bucket holds
     * @return ms until there is a token; 0 when it was taken
     */
    public long spend(String tenant, double perSecond, int burst) {
        return redis.execute(
                spend,
                List.of(Keys.bucket(tenant)),
                Long.toString(Math.max(1, Math.round(1_000_000 / perSecond))),
                Integer.toString(burst));
    }

    /**
     * Writes a job under its id. {@link Created#EXISTS} only when the job is already in the queue or further.
     *
     * @param timeout after which the job is given up; null for never
     * @param onDisconnect {@code cancel}, {@code grace} or {@code finish}
     * @param callback whether {@link CallbackLedger#ENDED} is to carry the job's end
     */
    public Created create(
            String id, String model, String request, Duration timeout, String onDisconnect, boolean callback) {
        return create(id, model, request, timeout, onDisconnect, callback, null);
    }

    /**
     * Writes a job that belongs to a trace; as {@link #create(String, String, String, Duration, String, boolean)}.
     *
     * @param trace null for none
     */
    public Created create(
            String id,
            String model,
            String request,
            Duration timeout,
            String onDisconnect,
            boolean callback,
            TraceContext trace) {
        List<Object> found = redis.execute(
                create,
                List.of(Keys.job(id)),
                request,
                model,
                millis(unaccepted),
                timeout == null ? "" : millis(timeout),
                onDisconnect,
                callback ? CallbackLedger.ENDED : "",
                trace == null ? "" : trace.stored());
        return switch (text(found, 0)) {
            case "conflict" -> Created.CONFLICT;
            // A gateway died between create and enqueue, and the client came again: go on where it stopped.
            case "exists" -> text(found, 1).equals("created") ? Created.NEW : Created.EXISTS;
            default -> Created.NEW;
        };
    }

    /**
     * Puts a job in line, behind those of its tenant that are as urgent.
     *
     * @param attention how long the job counts as followed from now on; null when it runs whether followed or not
     * @param timeout after which the job is given up; null for never
     * @throws ReplicasMissingException when it is in line, and too few replicas know; to be repeated
     */
    public Place enqueue(String id, String model, Arrival arrival, Duration attention, Duration timeout) {
        return place(surely(enqueue, lineKeys(model), line(id, arrival, attention, timeout)));
    }

    /**
     * A waiting job's place; null when it does not wait.
     *
     * <p>It is asked for as by a job that finds the queue full: one that is in line is told its place, and no other comes in.
     */
    public Place place(String id, String model) {
        Arrival none = new Arrival(JobIds.tenant(id), 1, 0, 0);
        Place place = place(redis.execute(enqueue, lineKeys(model), line(id, none, null, null)));
        return place.isRefused() ? null : place;
    }

    private static Place place(List<Object> found) {
        return new Place(number(found, 0), number(found, 1));
    }

    private static List<String> lineKeys(String model) {
        return List.of(
                Keys.waiting(model),
                Keys.line(model),
                Keys.places(model),
                Keys.turns(model),
                Keys.counts(model),
                Keys.followed(model),
                Keys.deadlines(model),
                Keys.running(model),
                Keys.pace(model));
    }

    private static Object[] line(String id, Arrival arrival, Duration attention, Duration timeout) {
        return new Object[] {
            id,
            arrival.tenant(),
            Integer.toString(arrival.urgency()),
            Integer.toString(arrival.queueLimit()),
            Integer.toString(arrival.tenantLimit()),
            attention == null ? "" : millis(attention),
            timeout == null ? "" : millis(timeout)
        };
    }

    /**
     * The ids of all jobs that wait for a model, in the order in which they will be served. Blocks for two round trips; a
     * job that comes or goes in between may be out of place.
     */
    public List<String> order(String model) {
        Collection<String> members = redis.opsForZSet().range(Keys.line(model), 0, -1);
        return ServiceOrder.of(redis.opsForZSet().range(Keys.turns(model), 0, -1), members);
    }

    /**
     * Ms between two ends of a model's jobs while its queue is not empty, 0 when that is not known or nothing runs. Blocks
     * for two round trips.
     */
    public long pace(String model) {
        if (!redis.hasKey(Keys.running(model))) {
            return 0;
        }
        String mean = redis.<String, String>opsForHash().get(Keys.pace(model), "mean_ms");
        return mean == null ? 0 : (long) Double.parseDouble(mean);
    }

    /**
     * Looks at a model's queue. Where more tenants than 64 wait, a job of one of the others may be older than the oldest
     * that is found. Blocks for one round trip, and one or two more when jobs wait.
     */
    public Survey survey(String model) {
        List<Object> found = redis.execute(
                survey,
                List.of(Keys.line(model), Keys.running(model), Keys.dead(model), Keys.turns(model)),
                SURVEYED_TENANTS);
        long now = number(found, 4);
        long oldest = texts(found.subList(5, found.size())).stream()
                .map(id -> redis.<String, String>opsForHash().get(Keys.job(id), "created_ms"))
                .filter(Objects::nonNull) // it has gone meanwhile
                .mapToLong(created -> Math.max(0, now - Long.parseLong(created)))
                .max()
                .orElse(0);
        return new Survey(number(found, 0), number(found, 1), number(found, 2), number(found, 3), oldest);
    }

    /**
     * Makes a created job permanent until it ends; false when it is gone.
     *
     * @throws ReplicasMissingException when it is, and too few replicas know; to be repeated
     */
    public boolean accept(String id) {
        return surely(accept, List.of(Keys.job(id))) == 1;
    }

    /** Removes a job that was created and then refused; false when it has gone on in the meantime, and stays. */
    public boolean forget(String id) {
        return redis.execute(forget, List.of(Keys.job(id))) == 1;
    }

    /**
     * Subscribes a gateway's channel to a job and reads the journal after {@code after}, in one step.
     *
     * @param count the most events to read; fewer come back when they are long. There may be more as long as any come
     */
    public Backlog follow(String id, String channel, long after, int count) {
        List<Object> found =
                redis.execute(follow, jobKeys(id), channel, Long.toString(after), Integer.toString(count), PAGE_CHARS);
        if (found.isEmpty()) {
            return Backlog.UNKNOWN;
        }
        List<?> flat = (List<?>) found.get(2);
        List<JournalEntry> entries = new ArrayList<>(flat.size() / 3);
        for (int i = 0; i + 2 < flat.size(); i += 3) {
            entries.add(JournalEntry.of(
                    id,
                    flat.get(i).toString(),
                    flat.get(i + 1).toString(),
                    flat.get(i + 2).toString()));
        }
        return new Backlog(true, text(found, 0), text(found, 1), entries);
    }

    /** Unsubscribes a gateway's channel from a job; null when the job is unknown or has ended. */
    public Unfollowed unfollow(String id, String channel) {
        List<Object> found = redis.execute(unfollow, List.of(Keys.job(id), Keys.followers(id)), channel);
        return found.isEmpty() ? null : new Unfollowed(text(found, 0), text(found, 1), number(found, 2));
    }

    /** Says that jobs of a model are followed, and for how long that counts. */
    public void attend(String model, Duration length, Collection<String> ids) {
        redis.execute(attend, List.of(Keys.followed(model)), arguments(length, ids));
    }

    /** Reads the journal without following the job. */
    public Backlog read(String id, long after, int count) {
        return follow(id, "", after, count);
    }

    /**
     * Takes the next job out of the line, and its lease. For whoever has popped a ticket from {@link Keys#waiting}.
     *
     * @param name tells this claim from every other; the same one gets the same job again, as long as its lease lasts
     * @return the job's id; null when none waits
     */
    public String claim(String model, String name, Duration length) {
        return redis.execute(
                claim,
                List.of(
                        Keys.waiting(model),
                        Keys.line(model),
                        Keys.places(model),
                        Keys.turns(model),
                        Keys.counts(model),
                        Keys.running(model),
                        Keys.claim(model, name)),
                millis(length));
    }

    /**
     * Extends leases.
     *
     * @return the ids whose lease is lost
     */
    public List<String> renew(String model, Duration length, Collection<String> ids) {
        return texts(redis.execute(renew, List.of(Keys.running(model)), arguments(length, ids)));
    }

    /**
     * Begins an attempt; null when the job is gone or done.
     *
     * @param claim tells this claim of the job from every other; the same one gets the same attempt again
     * @throws FencedException when another attempt is at it
     */
    public Started start(String id, String worker, String claim) {
        List<Object> found = preferably(start, List.of(Keys.job(id)), worker, claim);
        if (text(found, 0).equals("running")) {
            throw new FencedException(id);
        }
        if (!text(found, 0).equals("started")) {
            return null;
        }
        String left = text(found, 7);
        return new Started(
                id,
                (int) number(found, 1),
                number(found, 2),
                text(found, 3),
                number(found, 4),
                number(found, 5),
                (int) number(found, 6),
                left.isEmpty() ? null : Long.valueOf(left),
                number(found, 8),
                TraceContext.read(text(found, 9)));
    }

    /**
     * Journals and publishes an event of a running attempt.
     *
     * @throws JournalBehindException when the event before it is not in the journal
     */
    public Write append(String id, int attempt, long seq, String frame) {
        return write(id, redis.execute(append, jobKeys(id), id, Integer.toString(attempt), Long.toString(seq), frame));
    }

    /** Whether an attempt may go on, as {@link #append} would say. */
    public Write check(String id, int attempt) {
        return write(id, redis.execute(check, List.of(Keys.job(id)), Integer.toString(attempt)));
    }

    /**
     * Journals and publishes the event that ends a job, and lets the job expire after the retention time.
     *
     * @throws FencedException when another attempt owns the job
     * @throws JournalBehindException when the event before it is not in the journal
     */
    public void finish(String id, int attempt, long seq, String frame, String outcome) {
        finish(id, attempt, seq, frame, outcome, retention, "");
    }

    /**
     * Ends a job for which no attempt is left, as {@link #finish} does.
     *
     * @param failure what operators are to know of it, JSON
     * @param kept how long
     * @throws FencedException when another attempt owns the job
     * @throws JournalBehindException when the event before it is not in the journal
     */
    public void die(String id, int attempt, long seq, String frame, String outcome, String failure, Duration kept) {
        finish(id, attempt, seq, frame, outcome, kept, failure);
    }

    private void finish(String id, int attempt, long seq, String frame, String outcome, Duration kept, String failure) {
        Write write = write(
                id,
                preferably(
                        finish,
                        jobKeys(id),
                        id,
                        Integer.toString(attempt),
                        Long.toString(seq),
                        frame,
                        outcome,
                        millis(kept),
                        failure));
        refuseFenced(id, write);
    }

    /** Ends the lease of a finished job. */
    public void release(String id, String model) {
        redis.execute(
                release,
                List.of(
                        Keys.running(model),
                        Keys.followed(model),
                        Keys.deadlines(model),
                        Keys.line(model),
                        Keys.pace(model)),
                id,
                millis(retention));
    }

    /**
     * Ends an attempt that failed; the job waits for the next one once {@link #requeue} has put it back in line.
     *
     * @param counts whether the failure counts against the job
     * @param outcome how the attempt ended, for operators: the failure's code
     * @return {@link Write#OK}, or why no other attempt is wanted
     * @throws FencedException when another attempt owns the job
     */
    public Write retry(String id, int attempt, boolean counts, String outcome) {
        Write write = write(
                id,
                redis.execute(retry, List.of(Keys.job(id)), Integer.toString(attempt), counts ? "1" : "0", outcome));
        refuseFenced(id, write);
        return write;
    }

    private static void refuseFenced(String id, Write write) {
        if (write == Write.FENCED) {
            throw new FencedException(id);
        }
    }

    /**
     * Gives a leased job back to the front of its queue; false when it is not leased any more.
     *
     * @param delay until the next attempt; zero for none
     */
    public boolean requeue(String id, String model, Duration delay) {
        return redis.execute(requeue, backKeys(model), id, millis(delay)) == 1;
    }

    /**
     * Ends a job that waits, or marks one that runs as to be stopped.
     *
     * @param last the job's last event, should it end here
     * @param outcome {@code cancelled} or {@code deadline}
     */
    public Ended end(String id, LastEvent last, String outcome) {
        return end(id, last, outcome, retention, "");
    }

    /**
     * Ends a job that waits and for which no attempt is left. One that runs goes on.
     *
     * @param failure what operators are to know of it, JSON
     * @param kept how long
     */
    public Ended exhaust(String id, LastEvent last, String outcome, String failure, Duration kept) {
        return end(id, last, outcome, kept, failure);
    }

    private Ended end(String id, LastEvent last, String outcome, Duration kept, String failure) {
        List<Object> found = preferably(
                end, jobKeys(id), id, last.head(), last.untouched(), last.tail(), outcome, millis(kept), failure);
        return new Ended(
                Ended.Outcome.valueOf(text(found, 0).toUpperCase(Locale.ROOT)),
                found.size() > 1 ? text(found, 1) : null,
                found.size() > 2 ? text(found, 2) : null);
    }

    /** Takes a job that has ended off every list of its model. */
    public void remove(String id, String model) {
        redis.execute(
                remove,
                List.of(
                        Keys.waiting(model),
                        Keys.line(model),
                        Keys.places(model),
                        Keys.turns(model),
                        Keys.counts(model),
                        Keys.running(model),
                        Keys.followed(model),
                        Keys.deadlines(model)),
                id);
    }

    /** Puts a job that has ended for want of attempts on the dead-letter list, and takes it off the others. */
    public void bury(String id, String model) {
        redis.execute(
                bury, List.of(Keys.dead(model), Keys.running(model), Keys.followed(model), Keys.deadlines(model)), id);
    }

    /**
     * Looks for jobs of a model that need help.
     *
     * @param lease the length of a lease
     * @param attention how long a job counts as followed without a new sign
     * @param pause after which nobody has looked for too long: leases then get one full length before they expire
     * @param count the most to find of each kind
     */
    public Stuck reap(String model, Duration lease, Duration attention, Duration pause, int count) {
        List<Object> found = redis.execute(
                reap,
                List.of(
                        Keys.running(model),
                        Keys.deadlines(model),
                        Keys.followed(model),
                        Keys.reaper(model),
                        Keys.waiting(model),
                        Keys.line(model)),
                millis(lease),
                millis(attention),
                millis(pause),
                Integer.toString(count));
        return new Stuck(texts(found.get(0)), texts(found.get(1)), texts(found.get(2)));
    }

    /**
     * Takes a job from a worker whose lease has run out, and says what is to become of it.
     *
     * @param lease the length of a lease: an attempt that is younger has not lost it
     * @param failures how many attempts may fail
     * @param attempts how many attempts there may be, whatever became of them
     */
    public Reclaimed reclaim(String id, Duration lease, int failures, int attempts) {
        List<Object> found = redis.execute(
                reclaim, List.of(Keys.job(id)), millis(lease), Integer.toString(failures), Integer.toString(attempts));
        Reclaimed.Fate fate = Reclaimed.Fate.valueOf(text(found, 0).toUpperCase(Locale.ROOT));
        return switch (fate) {
            case EXHAUSTED -> new Reclaimed(fate, null, (int) number(found, 1));
            case UNWANTED -> new Reclaimed(fate, text(found, 1), 0);
            default -> new Reclaimed(fate, null, 0);
        };
    }

    /** Gives a job whose lease has run out back to the front of its queue; false when it was renewed meanwhile. */
    public boolean recover(String id, String model) {
        return redis.execute(recover, backKeys(model), id) == 1;
    }

    /**
     * Dead-lettered jobs, the newest first.
     *
     * @param count the most to return
     */
    public List<DeadLetter> dead(String model, int count) {
        List<String> ids = redis.opsForList().range(Keys.dead(model), 0, count - 1L);
        return ids.stream().map(this::deadLetter).filter(Objects::nonNull).toList();
    }

    /** A dead-lettered job; null when it is none, or its time is over. */
    public DeadLetter deadLetter(String id) {
        List<String> job = redis.<String, String>opsForHash()
                .multiGet(Keys.job(id), List.of("model", "request", "failure", "created_ms"));
        return job.get(0) == null || job.get(2) == null
                ? null
                : new DeadLetter(id, job.get(0), job.get(1), job.get(2), Long.parseLong(job.get(3)));
    }

    /** Takes a job off the dead-letter list; false when it was not on it. */
    public boolean unbury(String id, String model) {
        return redis.opsForList().remove(Keys.dead(model), 0, id) > 0;
    }

    /** Where a job has been, with its newest attempts; null when there is no such job. */
    public JobLife look(String id) {
        List<Object> found = redis.execute(look, List.of(Keys.job(id)), Integer.toString(ATTEMPTS_TOLD));
        if (found.isEmpty()) {
            return null;
        }
        List<String> job = texts(found.get(1));
        int first = (int) number(found, 2);
        List<String> lives = texts(found.get(3));
        List<JobRecord.Attempt> history = new ArrayList<>(lives.size() / 2);
        for (int i = 0; i + 1 < lives.size(); i += 2) {
            String[] began = lives.get(i).split(" ", 2);
            String[] over = lives.get(i + 1).split(" ", 2);
            history.add(new JobRecord.Attempt(
                    first + i / 2,
                    began.length < 2 ? null : began[1],
                    timeOrNull(began[0]),
                    timeOrNull(over[0]),
                    over.length < 2 ? null : over[1]));
        }
        String worker = job.get(7).isEmpty() && !history.isEmpty()
                ? history.get(history.size() - 1).worker()
                : textOrNull(job.get(7));
        return new JobLife(
                number(found, 0),
                job.get(0),
                job.get(1),
                new JobRecord(
                        timeOrNull(job.get(2)),
                        timeOrNull(job.get(3)),
                        timeOrNull(job.get(4)),
                        timeOrNull(job.get(5)),
                        timeOrNull(job.get(8)),
                        Integer.parseInt(job.get(6)),
                        null,
                        worker,
                        history));
    }

    private static Long timeOrNull(String ms) {
        return ms.isEmpty() ? null : Long.valueOf(ms);
    }

    private static String textOrNull(String text) {
        return text.isEmpty() ? null : text;
    }

    /** The ids of all jobs of a model that a worker has, or that wait for the time of their next attempt. */
    public List<String> running(String model) {
        return List.copyOf(redis.opsForZSet().range(Keys.running(model), 0, -1));
    }

    /** The trace that a job belongs to; null for none, or when there is no such job. */
    public TraceContext trace(String id) {
        String stored = redis.<String, String>opsForHash().get(Keys.job(id), "trace");
        return stored == null ? null : TraceContext.read(stored);
    }

    /** What was asked, JSON; null when there is no such job. */
    public String request(String id) {
        return redis.<String, String>opsForHash().get(Keys.job(id), "request");
    }

    /** Has a job that has ended expire later. */
    public void keep(String id, Duration length) {
        jobKeys(id).forEach(key -> redis.expire(key, length));
    }

    /** Deletes a job that has ended, as if it had never been. */
    public void delete(String id) {
        redis.delete(jobKeys(id));
    }

    /** Takes dead letters that have expired off their list. Blocks for two round trips and two for each of them. */
    public void forgetDead(String model) {
        String oldest = redis.opsForList().index(Keys.dead(model), -1);
        while (oldest != null && !redis.opsForHash().hasKey(Keys.job(oldest), "failure")) {
            redis.opsForList().remove(Keys.dead(model), -1, oldest);
            oldest = redis.opsForList().index(Keys.dead(model), -1);
        }
    }

    /**
     * Says which models a process knows.
     *
     * @param json whatever the readers of {@link #announced} are to know
     * @param memory after which the announcement is forgotten unless it was repeated
     */
    public void announce(String process, String json, Duration memory, Collection<String> models) {
        List<String> arguments = new ArrayList<>(List.of(process, json, millis(memory)));
        arguments.addAll(models);
        redis.execute(announce, Keys.models(), arguments.toArray());
    }

    /** Reads what all processes have said about models. */
    public Announced announced() {
        List<Object> found = redis.execute(announced, Keys.models());
        List<?> flat = (List<?>) found.get(1);
        List<Announced.Announcement> announcements = new ArrayList<>(flat.size() / 2);
        for (int i = 0; i + 1 < flat.size(); i += 2) {
            announcements.add(new Announced.Announcement(
                    flat.get(i).toString(), Duration.ofMillis(((Number) flat.get(i + 1)).longValue())));
        }
        return new Announced(texts(found.get(0)), announcements);
    }

    /** What giving a job back to its line touches. */
    private static List<String> backKeys(String model) {
        return List.of(
                Keys.running(model),
                Keys.waiting(model),
                Keys.line(model),
                Keys.places(model),
                Keys.turns(model),
                Keys.counts(model));
    }

    private static List<String> jobKeys(String id) {
        return List.of(Keys.job(id), Keys.journal(id), Keys.followers(id));
    }

    private static Object[] arguments(Duration length, Collection<String> ids) {
        List<String> arguments = new ArrayList<>(ids.size() + 1);
        arguments.add(millis(length));
        arguments.addAll(ids);
        return arguments.toArray();
    }

    private static Write write(String id, String answer) {
        if (Character.isDigit(answer.charAt(0))) {
            throw new JournalBehindException(id, Long.parseLong(answer));
        }
        return Write.valueOf(answer.toUpperCase(Locale.ROOT));
    }

    private static String millis(Duration duration) {
        return Long.toString(duration.toMillis());
    }

    private static String text(List<Object> answer, int index) {
        return answer.get(index).toString();
    }

    private static long number(List<Object> answer, int index) {
        return ((Number) answer.get(index)).longValue();
    }

    private static List<String> texts(Object answer) {
        return ((List<?>) answer).stream().map(Object::toString).toList();
    }
}
