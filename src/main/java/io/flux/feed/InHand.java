package io.flux.feed;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * A step that lets so many exchanges through until one of them is done, and keeps the others waiting in order, with no
 * thread: it keeps a source that has much from filling Flux's queue. Thread-safe.
 */
public final class InHand extends AsyncProcessorSupport {
    private final int most;
    private final ExecutorService threads;
    private final Queue<Waiting> waiting = new ArrayDeque<>();
    private int through;

    private record Waiting(Exchange exchange, AsyncCallback callback) {}

    /**
     * @param most exchanges at a time
     * @param threads what an exchange goes on with that has waited
     */
    public InHand(int most, ExecutorService threads) {
        this.most = most;
        this.threads = threads;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
        synchronized (this) {
            if (through == most) {
                waiting.add(new Waiting(exchange, callback));
                return false;
            }
            through++;
        }
        enter(exchange);
        callback.done(true);
        return true;
    }

    private void enter(Exchange exchange) {
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                leave();
            }
        });
    }

    private void leave() {
        Waiting next;
        synchronized (this) {
            next = waiting.poll();
            if (next == null) {
                through--;
                return;
            }
        }
        enter(next.exchange());
        try {
            threads.execute(() -> next.callback().done(false));
        } catch (RejectedExecutionException e) {
            // This process ends. What has not begun comes again with the next one.
        }
    }
}
