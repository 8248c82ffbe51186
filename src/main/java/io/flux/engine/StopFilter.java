package io.flux.engine;

import java.util.List;

/**
 * Ends a streamed text at the first of its stop texts. Holds back only an end that may still become one. Which stop
 * text wins does not depend on how the text was cut: the one that is complete first, and of those the longest. For one
 * thread.
 */
final class StopFilter {
    private final List<String> stops;
    private String held = "";
    private boolean matched;

    /** @param stops non-empty texts; none means that everything passes */
    StopFilter(List<String> stops) {
        this.stops = List.copyOf(stops);
    }

    /** Takes the next piece and returns what is certain to be the answer's; nothing after a match. */
    String accept(String piece) {
        if (matched) {
            return "";
        }
        if (stops.isEmpty() || piece.isEmpty()) {
            return piece;
        }
        String text = held + piece;
        int cut = beginOfFirstStop(text);
        if (cut >= 0) {
            matched = true;
            held = "";
            return text.substring(0, cut);
        }
        int safe = text.length() - Holdback.suffixLength(text, stops);
        held = text.substring(safe);
        return text.substring(0, safe);
    }

    /** The text is whole: what was held back did not become a stop text and belongs to the answer. */
    String rest() {
        String rest = held;
        held = "";
        return rest;
    }

    /** Whether a stop text came. */
    boolean matched() {
        return matched;
    }

    private int beginOfFirstStop(String text) {
        int begin = -1;
        int end = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = text.indexOf(stop);
            if (at < 0) {
                continue;
            }
            int stopEnd = at + stop.length();
            if (stopEnd < end || (stopEnd == end && at < begin)) {
                begin = at;
                end = stopEnd;
            }
        }
        return begin;
    }
}
