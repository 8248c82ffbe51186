package io.flux.worker;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The frames that an attempt wrote last, by their {@code seq}: what a journal may lose. Replicas are milliseconds behind
 * their master, and an append-only file a second behind Redis.
 *
 * <p>Confined to the slot's thread.
 */
final class RecentFrames {
    /** Half a minute of a fast engine. */
    private static final int MOST = 4096;

    private static final int MOST_CHARS = 256 * 1024;

    private record Frame(long seq, String text) {}

    private final Deque<Frame> frames = new ArrayDeque<>();
    private int chars;

    /** Keeps a frame; one that is kept already, since writing it is repeated, once. */
    void keep(long seq, String text) {
        if (!frames.isEmpty() && frames.getLast().seq() >= seq) {
            return;
        }
        frames.addLast(new Frame(seq, text));
        chars += text.length();
        while (frames.size() > MOST || (chars > MOST_CHARS && frames.size() > 1)) {
            chars -= frames.removeFirst().text().length();
        }
    }

    /** The frame; null when it is not kept any more, or was never written here. */
    String get(long seq) {
        for (Frame frame : frames) {
            if (frame.seq() == seq) {
                return frame.text();
            }
        }
        return null;
    }
}
