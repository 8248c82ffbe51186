package io.flux.worker;

import java.time.Duration;

/**
 * Where the time of an attempt goes, by this process's clock. Costs two readings of it for each text, of which the engine's
 * stream takes one. Confined to the slot's thread.
 *
 * <pre>
 *   popped ── dispatch ──▶ engine asked ── … ──▶ text read ── relay ──▶ text in the journal ── … ──▶ text read ── relay ──▶ …
 * </pre>
 */
final class Stopwatch {
    private final long poppedNanos;
    private final long startNanos = System.nanoTime();
    private long askedNanos;
    private boolean asked;
    private int texts;
    private long relayNanos;
    private long lastTextNanos;
    private Duration timeToFirstText;

    /** Begins. @param poppedNanos when the slot had a ticket, by {@link System#nanoTime} */
    Stopwatch(long poppedNanos) {
        this.poppedNanos = poppedNanos;
    }

    /** The engine was started, or is asked now. */
    void asked() {
        askedNanos = System.nanoTime();
        asked = true;
    }

    /**
     * A text is in the journal.
     *
     * @param readNanos when the engine had written it
     * @return the time since the text before; null for the first
     */
    Duration wrote(long readNanos) {
        long now = System.nanoTime();
        relayNanos += now - readNanos;
        Duration gap = texts == 0 ? null : Duration.ofNanos(now - lastTextNanos);
        if (texts++ == 0) {
            timeToFirstText = Duration.ofNanos(now - startNanos);
        }
        lastTextNanos = now;
        return gap;
    }

    /** Since the attempt began. */
    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }

    /** From the start of the attempt to its first text; null before. */
    Duration timeToFirstText() {
        return timeToFirstText;
    }

    /** From the first text to the last so far; null before the first. */
    Duration writing() {
        return timeToFirstText == null
                ? null
                : Duration.ofNanos(lastTextNanos - startNanos).minus(timeToFirstText);
    }

    /** From the slot's ticket to the engine's start: what Flux took to get the job there; null when no engine was asked. */
    Duration dispatch() {
        return asked ? Duration.ofNanos(askedNanos - poppedNanos) : null;
    }

    /** The sum, over all texts, of the time from when it was read to when it was in the journal. */
    Duration relay() {
        return Duration.ofNanos(relayNanos);
    }

    /** How many texts there were. */
    int texts() {
        return texts;
    }
}
