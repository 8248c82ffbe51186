package io.flux.gateway;

import java.util.ArrayList;
import java.util.List;

/** A client whose reading the test decides about: it keeps what it is sent. */
final class RecordingConnection implements Connection {
    static final String KEY = "recording";

    private final List<String> frames = new ArrayList<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private final int room;
    private int unread;
    private boolean reads = true;

    RecordingConnection() {
        this(0);
    }

    /**
     * @param room frames after which a client that does not read is behind
     */
    RecordingConnection(int room) {
        this.room = room;
    }

    @Override
    public String key() {
        return KEY;
    }

    @Override
    public synchronized void send(String frame) {
        frames.add(frame);
        unread += reads ? 0 : 1;
    }

    @Override
    public synchronized boolean isBehind() {
        return !reads && unread >= room;
    }

    @Override
    public void whenCaughtUp(Runnable action) {
        synchronized (this) {
            if (isBehind()) {
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
        // it has nothing to close
    }

    @Override
    public void close(int code, String reason) {
        // nobody looks at it any more
    }

    synchronized void stopReading() {
        reads = false;
    }

    void readOn() {
        List<Runnable> ready;
        synchronized (this) {
            reads = true;
            unread = 0;
            ready = List.copyOf(waiting);
            waiting.clear();
        }
        ready.forEach(Runnable::run);
    }

    synchronized List<String> frames() {
        return List.copyOf(frames);
    }

    synchronized int waiters() {
        return waiting.size();
    }
}
