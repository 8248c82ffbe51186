package io.flux.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Cuts texts for tests of streaming. */
final class Pieces {
    private Pieces() {}

    /** Cuts between code points at random places, some of them next to each other. */
    static List<String> of(String text, long seed) {
        Random random = new Random(seed);
        List<String> pieces = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int points = 1 + random.nextInt(random.nextInt(8) + 1);
            int to = text.offsetByCodePoints(from, Math.min(points, text.codePointCount(from, text.length())));
            pieces.add(text.substring(from, to));
            from = to;
        }
        return pieces;
    }

    /** The longest end of {@code text} that a marker begins with, by trying all. */
    static int necessaryHoldback(String text, List<String> markers) {
        for (int length = text.length(); length > 0; length--) {
            String end = text.substring(text.length() - length);
            if (markers.stream().anyMatch(marker -> marker.startsWith(end))) {
                return length;
            }
        }
        return 0;
    }
}
