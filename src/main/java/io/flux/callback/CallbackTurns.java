package io.flux.callback;

import io.flux.job.JobIds;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * A step that keeps slow receivers from holding up the others: an exchange goes on, with a thread of its own, when its
 * receiver, its tenant and this process have a posting free, and waits in memory, without a thread, until then. Receivers
 * take turns, so that the one with the most answers is not served first. Thread-safe; never blocks.
 *
 * <p>In: variable {@code address}. An exchange ends here, and its answer is looked at again when its lease in Redis is
 * over, when too many wait already or when it has waited for too long: another process may have it by then.
 */
public final class CallbackTurns extends AsyncProcessorSupport {
    /** The most postings of one process at a time; each holds a thread. */
    public static final int MAX_POSTINGS = 128;

    private static final int MAX_OF_TENANT = 48;
    /** Of one tenant to one host and port. */
    private static final int MAX_TO_RECEIVER = 4;

    private static final int MAX_WAITING = 4096;
    private static final int MAX_WAITING_OF_TENANT = 1024;

    private final ExecutorService threads;
    private final Duration maxWait;
    private final Map<Receiver, Deque<Waiting>> waiting = new LinkedHashMap<>();
    private final Map<String, Waiting> byId = new HashMap<>();
    private final Map<String, Integer> waitingOfTenant = new HashMap<>();
    private final Map<String, Integer> postingsOfTenant = new HashMap<>();
    private final Map<Receiver, Integer> postingsToReceiver = new HashMap<>();
    private int postings;

    private record Receiver(String tenant, String host) {}

    private static final class Waiting {
        final Callbacks.Address address;
        final Exchange exchange;
        final AsyncCallback callback;
        long sinceNanos = System.nanoTime();

        Waiting(Callbacks.Address address, Exchange exchange, AsyncCallback callback) {
            this.address = address;
            this.exchange = exchange;
            this.callback = callback;
        }

        Receiver receiver() {
            return new Receiver(address.tenant(), address.host());
        }
    }

    /**
     * @param threads what exchanges go on with; must give {@value #MAX_POSTINGS} at a time
     * @param maxWait how long an exchange may wait: with the time of a posting, less than its lease in Redis
     */
    public CallbackTurns(ExecutorService threads, Duration maxWait) {
        this.threads = threads;
        this.maxWait = maxWait;
    }

    /** Whether one more answer of the job's tenant may wait here. */
    public synchronized boolean hasRoom(String id) {
        return hasRoomForTenant(JobIds.tenant(id));
    }

    private boolean hasRoomForTenant(String tenant) {
        return byId.size() < MAX_WAITING && waitingOfTenant.getOrDefault(tenant, 0) < MAX_WAITING_OF_TENANT;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
        Callbacks.Address address = exchange.getVariable("address", Callbacks.Address.class);
        if (!enter(new Waiting(address, exchange, callback))) {
            exchange.setRouteStop(true);
            callback.done(true);
            return true;
        }
        goOn();
        return false;
    }

    private synchronized boolean enter(Waiting next) {
        Waiting same = byId.get(next.address.id());
        if (same != null) {
            // Its lease is new.
            same.sinceNanos = next.sinceNanos;
            return false;
        }
        if (!hasRoomForTenant(next.address.tenant())) {
            return false;
        }
        byId.put(next.address.id(), next);
        waitingOfTenant.merge(next.address.tenant(), 1, Integer::sum);
        waiting.computeIfAbsent(next.receiver(), receiver -> new ArrayDeque<>()).add(next);
        return true;
    }

    private void goOn() {
        for (Waiting next = next(); next != null; next = next()) {
            Waiting posting = next;
            try {
                threads.execute(() -> posting.callback.done(false));
            } catch (RejectedExecutionException e) {
                // This process ends. The answer is posted by another one, or by the next.
                return;
            }
        }
    }

    /** Takes the next one whose turn it is; null for none. */
    private synchronized Waiting next() {
        Iterator<Map.Entry<Receiver, Deque<Waiting>>> receivers =
                waiting.entrySet().iterator();
        while (postings < MAX_POSTINGS && receivers.hasNext()) {
            Map.Entry<Receiver, Deque<Waiting>> entry = receivers.next();
            Receiver receiver = entry.getKey();
            if (postingsOfTenant.getOrDefault(receiver.tenant(), 0) < MAX_OF_TENANT
                    && postingsToReceiver.getOrDefault(receiver, 0) < MAX_TO_RECEIVER) {
                receivers.remove();
                Deque<Waiting> answers = entry.getValue();
                Waiting next = answers.remove();
                if (!answers.isEmpty()) {
                    waiting.put(receiver, answers);
                }
                begin(next, receiver);
                return next;
            }
        }
        return null;
    }

    private void begin(Waiting next, Receiver receiver) {
        byId.remove(next.address.id());
        decrement(waitingOfTenant, receiver.tenant());
        postings++;
        postingsOfTenant.merge(receiver.tenant(), 1, Integer::sum);
        postingsToReceiver.merge(receiver, 1, Integer::sum);
        if (System.nanoTime() - next.sinceNanos > maxWait.toNanos()) {
            next.exchange.setRouteStop(true);
        }
        next.exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                end(receiver);
                goOn();
            }
        });
    }

    private synchronized void end(Receiver receiver) {
        postings--;
        decrement(postingsOfTenant, receiver.tenant());
        decrement(postingsToReceiver, receiver);
    }

    private static <K> void decrement(Map<K, Integer> counts, K key) {
        counts.computeIfPresent(key, (same, count) -> count == 1 ? null : count - 1);
    }
}
