package io.flux.bench;

import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;

/**
 * One answer as its client sees it, checked character by character and number by number, over as many connections as it takes.
 * Written by one thread; what it found may be read by any, its arrivals when it is over.
 */
public final class StoryStream {
    private final Question question;
    private final List<Arrival> arrivals = new ArrayList<>();
    private long asked = System.nanoTime();
    private volatile String id;
    private volatile long seq;
    private volatile int position;
    private volatile long ticketAt;
    private volatile long firstAt;
    private volatile long lastAt;
    private volatile long endedAt;
    private volatile int restarts;
    private volatile String problem;

    /**
     * A piece of the answer.
     *
     * @param nanos when it came, by {@link System#nanoTime}
     * @param position characters of the answer that were there then
     * @param bytes that it took on the wire, WebSocket's header included
     */
    record Arrival(long nanos, int position, int bytes) {}

    StoryStream(Question question) {
        this.question = question;
    }

    Question question() {
        return question;
    }

    /** It is asked for now. */
    void asked() {
        asked = System.nanoTime();
    }

    /** A frame from Flux. */
    void received(String frame) {
        long now = System.nanoTime();
        JsonObject event = new JsonObject(frame);
        String type = event.getString("type");
        if (event.containsKey("seq")) {
            if (event.getLong("seq") != seq + 1) {
                wrong("event " + event.getLong("seq") + " came where " + (seq + 1) + " was to come");
            }
            seq = event.getLong("seq");
            lastAt = now;
        }
        switch (type) {
            case "ticket" -> {
                id = event.getString("request_id");
                ticketAt = ticketAt == 0 ? now : ticketAt;
            }
            case "position", "start" -> {}
            case "restart" -> {
                restarts++;
                if (!"continue".equals(event.getString("mode"))) {
                    wrong("the text began anew");
                }
            }
            case "token" -> more(event.getString("content"), now, frame.length());
            case "complete" -> {
                if (!question.isWhole(position)) {
                    wrong("it ended after " + position + " characters");
                }
                end(now);
            }
            default -> {
                wrong(frame);
                end(now);
            }
        }
    }

    private void more(String content, long now, int length) {
        if (firstAt == 0) {
            firstAt = now;
        }
        if (!question.goesOn(position, content)) {
            wrong("'" + (content.length() > 40 ? content.substring(0, 40) + "…" : content) + "' came after " + position
                    + " characters");
        }
        position += content.length();
        arrivals.add(new Arrival(now, position, wireBytes(length)));
    }

    /** RFC 6455, section 5.2: a frame from a server has a header of 2, 4 or 10 bytes. Exact where the text is ASCII. */
    private static int wireBytes(int length) {
        return length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
    }

    /** The connection is gone, and was not to be. */
    void lost() {
        if (endedAt == 0) {
            wrong("the connection was lost");
            end(System.nanoTime());
        }
    }

    private void end(long now) {
        if (endedAt != 0) {
            wrong("it ended twice");
        }
        endedAt = now;
    }

    /** The first thing that was wrong says most. */
    private void wrong(String what) {
        if (problem == null) {
            problem = what;
        }
    }

    /** Whether nothing more is to come. */
    public boolean isOver() {
        return endedAt != 0;
    }

    /** What was wrong with it, or what is still missing; null when each token came once, in order, and then the end. */
    public String problem() {
        return problem != null ? problem : endedAt == 0 ? "it did not end" : null;
    }

    /** The job's id; null before the ticket. */
    String id() {
        return id;
    }

    /** The last event's number; 0 before the first. */
    long seq() {
        return seq;
    }

    /** Characters of the answer that have come. */
    int position() {
        return position;
    }

    /** Whether there is text. */
    boolean hasBegun() {
        return firstAt != 0;
    }

    /** The pieces of the answer, in order. */
    List<Arrival> arrivals() {
        return arrivals;
    }

    /** When the piece after so many came, by {@link System#nanoTime}; when the end came where there was none. */
    long firstAfter(int pieces) {
        return arrivals.size() > pieces ? arrivals.get(pieces).nanos() : endedAt;
    }

    /** When the last event came, by {@link System#nanoTime}. */
    long lastAt() {
        return lastAt;
    }

    /** From the request to the ticket, ms; negative while there is none. */
    public double ticketMs() {
        return (ticketAt == 0 ? -1 : ticketAt - asked) / 1e6;
    }

    /** From the request to the first text, ms; negative while there is none. */
    public double firstTokenMs() {
        return (firstAt == 0 ? -1 : firstAt - asked) / 1e6;
    }

    /** How often the answer went on in another attempt. */
    public int restarts() {
        return restarts;
    }
}
