package io.flux.bench;

import io.vertx.core.json.JsonObject;

/**
 * One answer as its client sees it, checked word by word and number by number. Written by one thread; what it found may be read by
 * any.
 */
public final class StoryStream {
    private final Story story;
    private final String expected;
    private final long asked = System.nanoTime();
    private final StringBuilder text = new StringBuilder();
    private long seq;
    private volatile long ticketAt;
    private volatile long firstAt;
    private volatile long endedAt;
    private volatile int positions;
    private volatile int restarts;
    private volatile String problem;

    StoryStream(Story story) {
        this.story = story;
        this.expected = story.text();
    }

    Story story() {
        return story;
    }

    /** A frame from Flux. */
    void received(String frame) {
        JsonObject event = new JsonObject(frame);
        String type = event.getString("type");
        if (event.containsKey("seq") && event.getLong("seq") != ++seq) {
            wrong("event " + event.getLong("seq") + " came where " + seq + " was to come");
        }
        switch (type) {
            case "ticket" -> ticketAt = System.nanoTime();
            case "position" -> positions++;
            case "start" -> {}
            case "restart" -> {
                restarts++;
                if (!"continue".equals(event.getString("mode"))) {
                    wrong("the text began anew");
                }
            }
            case "token" -> more(event.getString("content"));
            case "complete" -> {
                if (!expected.contentEquals(text)) {
                    wrong(text.length() + " of " + expected.length() + " characters came");
                }
                end();
            }
            default -> {
                wrong(frame);
                end();
            }
        }
    }

    private void more(String content) {
        if (firstAt == 0) {
            firstAt = System.nanoTime();
        }
        if (!expected.startsWith(content, text.length())) {
            wrong("'" + content + "' came after " + text.length() + " characters");
        }
        text.append(content);
    }

    /** The connection is gone. */
    void lost() {
        if (endedAt == 0) {
            wrong("the connection was lost");
            end();
        }
    }

    private void end() {
        if (endedAt != 0) {
            wrong("it ended twice");
        }
        endedAt = System.nanoTime();
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

    /** From the request to the ticket, ms; negative while there is none. */
    public double ticketMs() {
        return (ticketAt == 0 ? -1 : ticketAt - asked) / 1e6;
    }

    /** From the request to the first text, ms; negative while there is none. */
    public double firstTokenMs() {
        return (firstAt == 0 ? -1 : firstAt - asked) / 1e6;
    }

    /** How often its client was told of a new position. */
    public int positions() {
        return positions;
    }

    /** How often the answer went on in another attempt. */
    public int restarts() {
        return restarts;
    }
}
