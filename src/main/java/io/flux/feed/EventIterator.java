package io.flux.feed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.Connection;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/**
 * The events of one job, each as soon as it is there, for a split that streams.
 *
 * <p>Camel's split asks whether there is one more before it routes the one that it has, so {@link #hasNext} must not wait:
 * a job has one last event, so that every other one has a successor. {@link #next} waits.
 *
 * <p>One thread iterates. Whoever does so slowly is behind after {@value #FULL} events and gets the rest from the journal.
 */
final class EventIterator implements Connection, Iterator<Map<String, Object>>, Closeable {
    private static final int FULL = 1000;
    private static final TypeReference<Map<String, Object>> EVENT = new TypeReference<>() {};
    private static final Set<Object> LAST = Set.of("complete", "error");
    private static final String CLOSED = "";

    private final String key = "flux-generate-" + UUID.randomUUID();
    private final ObjectMapper mapper;
    private final Consumer<String> detach;
    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private volatile boolean over;

    /**
     * @param detach takes the connection with this key from the Hub
     */
    EventIterator(ObjectMapper mapper, Consumer<String> detach) {
        this.mapper = mapper;
        this.detach = detach;
    }

    @Override
    public boolean hasNext() {
        return !over;
    }

    /**
     * The next event; blocks until it comes.
     *
     * @throws IllegalStateException when this process does not follow the job any more
     */
    @Override
    public Map<String, Object> next() {
        if (over) {
            throw new NoSuchElementException();
        }
        String frame = take();
        if (frame.equals(CLOSED)) {
            over = true;
            throw new IllegalStateException("this process does not follow the job any more");
        }
        try {
            Map<String, Object> event = mapper.readValue(frame, EVENT);
            if (LAST.contains(event.get("type"))) {
                close();
            }
            return event;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("not an event: " + frame, e);
        }
    }

    private String take() {
        try {
            String frame = frames.take();
            if (frames.isEmpty()) {
                caughtUp();
            }
            return frame;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while an event was waited for", e);
        }
    }

    private void caughtUp() {
        List<Runnable> ready;
        synchronized (waiting) {
            ready = List.copyOf(waiting);
            waiting.clear();
        }
        ready.forEach(Runnable::run);
    }

    /** Follows the job no longer; harmless to repeat. */
    @Override
    public void close() {
        if (!over) {
            over = true;
            detach.accept(key);
        }
    }

    @Override
    public String key() {
        return key;
    }

    @Override
    public void send(String frame) {
        frames.add(frame);
    }

    /** All events are here: nothing is left in the Hub also when nobody takes them. */
    @Override
    public void idle() {
        detach.accept(key);
    }

    @Override
    public boolean isBehind() {
        return frames.size() >= FULL;
    }

    @Override
    public void whenCaughtUp(Runnable action) {
        synchronized (waiting) {
            if (!frames.isEmpty()) {
                waiting.add(action);
                return;
            }
        }
        action.run();
    }

    @Override
    public boolean ping() {
        return true;
    }

    @Override
    public void closed() {
        frames.add(CLOSED);
    }

    @Override
    public void close(int code, String reason) {
        closed();
    }
}
