package io.flux.engine;

import java.util.List;

/** Says how much of a text's end may still become a marker. */
final class Holdback {
    private Holdback() {}

    /**
     * The length of the longest suffix of {@code text} that some marker begins with. A whole marker counts.
     *
     * @return 0 when no marker can begin in {@code text}
     */
    static int suffixLength(String text, List<String> markers) {
        int longest = 0;
        for (String marker : markers) {
            for (int length = Math.min(marker.length(), text.length()); length > longest; length--) {
                if (text.regionMatches(text.length() - length, marker, 0, length)) {
                    longest = length;
                    break;
                }
            }
        }
        return longest;
    }
}
