package io.flux.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a text that comes piece by piece into server-sent events, wherever the pieces were cut. Of an event it knows the
 * data; comments (servers send them as pings), ids, names and empty events are passed over. For one thread.
 */
final class SseEvents {
    /** An event that is longer than that is no event. */
    private static final int LONGEST = 16 * 1024 * 1024;

    private static final String DATA = "data";
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private final StringBuilder line = new StringBuilder();
    private final StringBuilder data = new StringBuilder();
    private boolean hasData;
    private boolean atStart = true;
    private boolean afterReturn;

    /**
     * Takes the next piece.
     *
     * @return the data of the events that it completes, in order; empty when it completes none
     * @throws IOException when what came is longer than an event can be
     */
    List<String> accept(String piece) throws IOException {
        List<String> events = new ArrayList<>();
        for (int i = 0; i < piece.length(); i++) {
            char c = piece.charAt(i);
            boolean newlineOfReturn = c == '\n' && afterReturn;
            afterReturn = c == '\r';
            if (newlineOfReturn || (atStart && c == BYTE_ORDER_MARK)) {
                atStart = false;
                continue;
            }
            atStart = false;
            if (c == '\n' || c == '\r') {
                endOfLine(events);
            } else {
                line.append(c);
            }
        }
        if (line.length() + data.length() > LONGEST) {
            throw new IOException("an event of more than " + LONGEST + " characters");
        }
        return events;
    }

    private void endOfLine(List<String> events) {
        if (line.isEmpty()) {
            if (hasData) {
                events.add(data.toString());
            }
            data.setLength(0);
            hasData = false;
            return;
        }
        int colon = line.indexOf(":");
        String field = colon < 0 ? line.toString() : line.substring(0, colon);
        if (field.equals(DATA)) {
            if (hasData) {
                data.append('\n');
            }
            hasData = true;
            int value = colon < 0 ? line.length() : colon + 1;
            data.append(line, value < line.length() && line.charAt(value) == ' ' ? value + 1 : value, line.length());
        }
        line.setLength(0);
    }
}
