package io.flux.ledger;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * The job's life, one method for each transition:
 *
 * <pre>
 *   create ──▶ created ──enqueue, accept──▶ queued ──lease, start──▶ running ──finish──▶ done
 *                 │                           │  ▲                      │
 *                 └─ expires                  │  └──── retry, requeue ──┘
 *                                             └──── cancel ──▶ done
 * </pre>
 *
 * <p>Every method is one atomic script on one hash slot, and every one may be repeated without harm, so that a crash
 * between two of them leaves a state that can be repaired. All time comes from Redis. Methods block for one round trip
 * and throw Spring's {@code DataAccessException} when Redis does not answer. Thread-safe.
 */
public final class Ledger {
    private final StringRedisTemplate redis;
    private final Duration retention;
    private final Duration unaccepted;

    private final RedisScript<List<Object>> create = script("create", List.class);
    private final RedisScript<Long> enqueue = script("enqueue", Long.class);
    private final RedisScript<Long> accept = script("accept", Long.class);
    private final RedisScript<Long> forget = script("forget", Long.class);
    private final RedisScript<List<Object>> follow = script("follow", List.class);
    private final RedisScript<Long> lease = script("lease", Long.class);
    private final RedisScript<List<Object>> renew = script("renew", List.class);
    private final RedisScript<List<Object>> start = script("start", List.class);
    private final RedisScript<String> append = script("append", String.class);
    private final RedisScript<String> finish = script("finish", String.class);
    private final RedisScript<String> retry = script("retry", String.class);
    private final RedisScript<Long> requeue = script("requeue", Long.class);
    private final RedisScript<List<Object>> cancel = script("cancel", List.class);

    /**
     * @param retention how long a finished job and its journal are kept
     * @param unaccepted how long a job is kept whose ticket was never sent
     */
    public Ledger(StringRedisTemplate redis, Duration retention, Duration unaccepted) {
        this.redis = redis;
        this.retention = retention;
        this.unaccepted = unaccepted;
    }

    @SuppressWarnings("unchecked")
    private static <T> RedisScript<T> script(String verb, Class<?> result) {
        return RedisScript.of(new ClassPathResource("redis/" + verb + ".lua"), (Class<T>) result);
    }

    /** Writes a job under its id. {@link Created#EXISTS} only when the job is already in the queue or further. */
    public Created create(String id, String model, String request) {
        List<Object> found = redis.execute(create, List.of(Keys.job(id)), request, model, millis(unaccepted));
        return switch (text(found, 0)) {
            case "conflict" -> Created.CONFLICT;
            // A gateway died between create and enqueue, and the client came again: go on where it stopped.
            case "exists" -> text(found, 1).equals("created") ? Created.NEW : Created.EXISTS;
            default -> Created.NEW;
        };
    }

    /**
     * Puts a job at the back of the queue.
     *
     * @return its position, 1 = served next; or minus the number of waiting jobs when there are {@code limit} already
     */
    public long enqueue(String id, String model, int limit) {
        return redis.execute(enqueue, List.of(Keys.waiting(model)), id, Integer.toString(limit));
    }

    /** Makes a created job permanent until it ends; false when it is gone. */
    public boolean accept(String id) {
        return redis.execute(accept, List.of(Keys.job(id))) == 1;
    }

    /** Removes a job that was created and then refused; false when it has gone on in the meantime, and stays. */
    public boolean forget(String id) {
        return redis.execute(forget, List.of(Keys.job(id))) == 1;
    }

    /**
     * Subscribes a gateway's channel to a job and reads the journal after {@code after}, in one step.
     *
     * @param count the most events to read; there are more when as many come back
     */
    public Backlog follow(String id, String channel, long after, int count) {
        List<Object> found = redis.execute(
                follow,
                List.of(Keys.job(id), Keys.journal(id), Keys.followers(id)),
                channel,
                Long.toString(after),
                Integer.toString(count));
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

    /** Unsubscribes a gateway's channel from a job. */
    public void unfollow(String id, String channel) {
        redis.opsForSet().remove(Keys.followers(id), channel);
    }

    /** Reads the journal without following the job. */
    public Backlog read(String id, long after, int count) {
        return follow(id, "", after, count);
    }

    /** Takes the lease of a popped job; false when the job is not the caller's to serve. */
    public boolean lease(String id, String model, Duration length) {
        return redis.execute(lease, List.of(Keys.claimed(model), Keys.running(model)), id, millis(length)) == 1;
    }

    /**
     * Extends leases.
     *
     * @return the ids whose lease is lost
     */
    public List<String> renew(String model, Duration length, Collection<String> ids) {
        List<String> arguments = new ArrayList<>(ids.size() + 1);
        arguments.add(millis(length));
        arguments.addAll(ids);
        return redis.execute(renew, List.of(Keys.running(model)), arguments.toArray()).stream()
                .map(Object::toString)
                .toList();
    }

    /**
     * Begins an attempt; null when the job is gone or done.
     *
     * @throws FencedException when another attempt is at it
     */
    public Started start(String id, String worker) {
        List<Object> found = redis.execute(start, List.of(Keys.job(id)), worker);
        if (text(found, 0).equals("running")) {
            throw new FencedException(id);
        }
        if (!text(found, 0).equals("started")) {
            return null;
        }
        return new Started(
                id,
                ((Number) found.get(1)).intValue(),
                ((Number) found.get(2)).longValue(),
                text(found, 3),
                ((Number) found.get(4)).longValue(),
                ((Number) found.get(5)).longValue());
    }

    /** Journals and publishes an event of a running attempt. */
    public Write append(String id, int attempt, long seq, String frame) {
        return write(redis.execute(append, jobKeys(id), id, Integer.toString(attempt), Long.toString(seq), frame));
    }

    /**
     * Journals and publishes the event that ends a job, and lets the job expire after the retention time.
     *
     * @throws FencedException when another attempt owns the job
     */
    public void finish(String id, int attempt, long seq, String frame, String outcome) {
        Write write = write(redis.execute(
                finish,
                jobKeys(id),
                id,
                Integer.toString(attempt),
                Long.toString(seq),
                frame,
                outcome,
                millis(retention)));
        refuseFenced(id, write);
    }

    /**
     * Ends an attempt that failed; the job waits for the next one once {@link #requeue} has put it back in line.
     *
     * @return false when no other attempt is wanted: somebody cancelled the job
     * @throws FencedException when another attempt owns the job
     */
    public boolean retry(String id, int attempt) {
        Write write = write(redis.execute(retry, List.of(Keys.job(id)), Integer.toString(attempt)));
        refuseFenced(id, write);
        return write == Write.OK;
    }

    private static void refuseFenced(String id, Write write) {
        if (write == Write.FENCED) {
            throw new FencedException(id);
        }
    }

    /** Gives a leased job back to the front of its queue; false when it is not leased any more. */
    public boolean requeue(String id, String model) {
        return redis.execute(requeue, List.of(Keys.running(model), Keys.waiting(model)), id) == 1;
    }

    /**
     * Cancels a job.
     *
     * @param head the JSON of the job's last event up to the value of {@code seq}, should it end here
     * @param tail the rest of that JSON
     */
    public Cancelled cancel(String id, String head, String tail) {
        List<Object> found = redis.execute(cancel, jobKeys(id), id, head, tail, millis(retention));
        return new Cancelled(
                Cancelled.Outcome.valueOf(text(found, 0).toUpperCase(Locale.ROOT)),
                found.size() > 1 ? text(found, 1) : null,
                found.size() > 2 ? text(found, 2) : null);
    }

    private static List<String> jobKeys(String id) {
        return List.of(Keys.job(id), Keys.journal(id), Keys.followers(id));
    }

    private static Write write(String answer) {
        return Write.valueOf(answer.toUpperCase(Locale.ROOT));
    }

    private static String millis(Duration duration) {
        return Long.toString(duration.toMillis());
    }

    private static String text(List<Object> answer, int index) {
        return answer.get(index).toString();
    }
}
