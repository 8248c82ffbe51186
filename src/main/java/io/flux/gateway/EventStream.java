package io.flux.gateway;

import java.util.Map;

/**
 * A job's events as server-sent events, the {@code seq} as their id: a client that comes back with {@code Last-Event-ID}
 * goes on after it. Format: WHATWG HTML, section 9.2. A blank line comes after an event and nowhere else: some decoders take
 * each blank line for the end of an event.
 */
final class EventStream implements Rendition {
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Type", "text/event-stream",
            "Cache-Control", "no-store",
            // Asks a proxy such as nginx to pass on what it gets, as it gets it.
            "X-Accel-Buffering", "no");

    /** A browser comes back that soon, ms. */
    private static final String RETRY = "retry: 1000\n";

    private static final int NO_CONTENT = 204;

    private final JsonError errors;

    EventStream(JsonError errors) {
        this.errors = errors;
    }

    @Override
    public void event(String frame, HttpAnswer answer) {
        FrameHead head = FrameHead.of(frame);
        if (head.isRefusal() && !answer.hasHead()) {
            errors.answer(frame, answer);
            return;
        }
        begin(answer);
        StringBuilder event = new StringBuilder(frame.length() + 48);
        if (head.seq() > 0) {
            event.append("id: ").append(head.seq()).append('\n');
        }
        event.append("event: ").append(head.type()).append("\ndata: ").append(frame);
        answer.write(event.append("\n\n").toString());
        if (head.isLast() || head.isRefusal()) {
            answer.end();
        }
    }

    private static void begin(HttpAnswer answer) {
        if (!answer.hasHead()) {
            answer.head(200, HEADERS);
            answer.write(RETRY);
        }
    }

    @Override
    public void heartbeat(HttpAnswer answer) {
        if (answer.hasHead()) {
            answer.write(":\n");
        }
    }

    /** No content: a browser comes back after every end, unless it is told so. */
    @Override
    public void over(HttpAnswer answer) {
        if (answer.hasHead()) {
            answer.end();
        } else {
            answer.whole(NO_CONTENT, Map.of(), "");
        }
    }

    /** A client of server-sent events comes back by itself. */
    @Override
    public void interrupted(HttpAnswer answer) {
        if (answer.hasHead()) {
            answer.end();
        } else {
            errors.answer(JsonError.INTERRUPTED, answer);
        }
    }
}
