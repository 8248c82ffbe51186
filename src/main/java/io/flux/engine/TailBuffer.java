package io.flux.engine;

import java.nio.charset.StandardCharsets;

/** Keeps the last bytes of a stream of any length in a fixed amount of memory. For any thread. */
final class TailBuffer {
    private final byte[] ring;
    private long written;

    TailBuffer(int capacity) {
        ring = new byte[capacity];
    }

    synchronized void write(byte[] bytes, int count) {
        int from = Math.max(0, count - ring.length);
        written += from;
        while (from < count) {
            int at = (int) (written % ring.length);
            int length = Math.min(count - from, ring.length - at);
            System.arraycopy(bytes, from, ring, at, length);
            from += length;
            written += length;
        }
    }

    /** What is kept, as text; begins with a whole character, and what is not UTF-8 is U+FFFD. */
    synchronized String text() {
        int kept = (int) Math.min(written, ring.length);
        byte[] tail = new byte[kept];
        int start = (int) ((written - kept) % ring.length);
        int first = Math.min(kept, ring.length - start);
        System.arraycopy(ring, start, tail, 0, first);
        System.arraycopy(ring, 0, tail, first, kept - first);
        int skip = 0;
        if (written > kept) {
            while (skip < Math.min(kept, 3) && (tail[skip] & 0xC0) == 0x80) {
                skip++;
            }
        }
        return new String(tail, skip, kept - skip, StandardCharsets.UTF_8);
    }
}
