package io.flux.engine;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Whether a model's engine can be asked now. While it is closed no job is popped for it: whoever can serve the job takes
 * it, and none is tried in vain. Thread-safe; listeners are called by whoever opens or closes it, perhaps by several
 * threads at once, and have to look what holds now.
 */
public final class EngineGate {
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private volatile String problem;

    private EngineGate(String problem) {
        this.problem = problem;
    }

    /** An open gate. */
    public static EngineGate opened() {
        return new EngineGate(null);
    }

    /** A closed gate, and why it is. */
    public static EngineGate closed(String problem) {
        return new EngineGate(Objects.requireNonNull(problem, "problem"));
    }

    /** Why the engine cannot be asked; null when it can. */
    public String problem() {
        return problem;
    }

    /** The engine can be asked. */
    public void open() {
        set(null);
    }

    /**
     * The engine cannot be asked.
     *
     * @param why for operators
     */
    public void close(String why) {
        set(Objects.requireNonNull(why, "why"));
    }

    private void set(String value) {
        boolean changed;
        synchronized (this) {
            changed = !Objects.equals(problem, value);
            problem = value;
        }
        if (changed) {
            listeners.forEach(Runnable::run); // without the lock: they take locks of their own
        }
    }

    /** Has a listener called after each change. */
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }
}
