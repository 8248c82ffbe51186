package io.flux.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * One question and its answer, over as many connections as it takes.
 *
 * <pre>
 *   FOLLOWING ──connection lost──▶ LOST ──connected: resume (or generate, when no ticket had come)──▶ FOLLOWING
 *       │                           └──30 s without an event──▶ error
 *       ├──interrupted, or nobody reads stdout any more──▶ CANCELLING ──complete, or 2 s──▶ end
 *       └──complete or error──▶ end
 * </pre>
 *
 * One thread connects and runs; what happens elsewhere reaches it as {@link Signal}s. Only {@link #interrupt} may be
 * called by other threads.
 */
final class AskSession {
    private static final int GO_ON = -1;
    private static final Duration CANCEL_PATIENCE = Duration.ofSeconds(2);
    private static final Duration HEARTBEAT = Duration.ofSeconds(20);
    private static final long FIRST_RETRY_MS = 100;
    private static final long LAST_RETRY_MS = 3000;

    private final HttpClient http;
    private final FluxAccess access;
    private final ObjectMapper mapper;
    private final ObjectNode request;
    private final String requestId;
    private final Display display;
    private final Duration patience;
    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();

    private State state = State.LOST;
    /** When {@link #timeIsUp} is due, by {@code System.nanoTime()}. */
    private long due;

    private URI uri;
    private FluxSocket socket;
    private int connection;
    private boolean pinged;
    private long connectedAt;
    /** By {@code System.nanoTime()}; 0 while nothing is wrong. */
    private long giveUpAt;

    private long retryMs = FIRST_RETRY_MS;
    private boolean ticketed;
    private long lastSeq;
    /** The {@code seq} after which the answer had a hole; -1 for none. */
    private long holeAfter = -1;

    private boolean readerGone;
    private int cancelCode = ExitCode.INTERRUPTED;

    private enum State {
        FOLLOWING,
        LOST,
        CANCELLING
    }

    /** What happened elsewhere. {@code connection} tells a connection from those before it. */
    private sealed interface Signal {
        record Message(int connection, String text) implements Signal {}

        record Pong(int connection) implements Signal {}

        record Lost(int connection, String reason) implements Signal {}

        record Interrupt(int code) implements Signal {}
    }

    private interface Printing {
        void print() throws IOException;
    }

    /**
     * @param request a {@code generate} message with its own {@code request_id}
     * @param patience how long to try to come back after the connection was lost
     */
    AskSession(FluxAccess access, ObjectMapper mapper, ObjectNode request, Display display, Duration patience) {
        this.http = access.http().build();
        this.access = access;
        this.mapper = mapper;
        this.request = request;
        this.requestId = request.path("request_id").asText();
        this.display = display;
        this.patience = patience;
    }

    /**
     * Connects for the first time; blocks until connected.
     *
     * @throws IOException when there is no Flux
     */
    void connect(URI to) throws IOException, InterruptedException {
        uri = to;
        open();
    }

    /** Have the job cancelled and {@link #run} return soon. */
    void interrupt() {
        signals.add(new Signal.Interrupt(ExitCode.INTERRUPTED));
    }

    /** Asks, and shows what comes; blocks until the end. Returns the exit code. */
    int run() throws InterruptedException {
        if (isInterrupted()) {
            return ExitCode.INTERRUPTED; // before anything was asked
        }
        giveUpAt = System.nanoTime() + patience.toNanos();
        ask();
        int code = GO_ON;
        while (code == GO_ON) {
            Signal signal = signals.poll(Math.max(0, due - System.nanoTime()), TimeUnit.NANOSECONDS);
            code = signal == null ? timeIsUp() : handle(signal);
        }
        if (socket != null) {
            socket.close();
        }
        return code;
    }

    /** Whether {@link #interrupt} was called before {@link #run}. */
    boolean isInterrupted() {
        return signals.contains(new Signal.Interrupt(ExitCode.INTERRUPTED));
    }

    private void open() throws IOException, InterruptedException {
        int number = ++connection;
        socket = FluxSocket.connect(http, uri, access.key(), new FluxSocket.Listener() {
            @Override
            public void message(String text) {
                signals.add(new Signal.Message(number, text));
            }

            @Override
            public void pong() {
                signals.add(new Signal.Pong(number));
            }

            @Override
            public void lost(String reason) {
                signals.add(new Signal.Lost(number, reason));
            }
        });
        pinged = false;
        connectedAt = System.nanoTime();
        enter(State.FOLLOWING, HEARTBEAT);
    }

    private void enter(State next, Duration until) {
        state = next;
        due = System.nanoTime() + until.toNanos();
    }

    /** The request, or as much of its answer as is not here yet. */
    private void ask() throws InterruptedException {
        if (ticketed) {
            send(message("resume").put("after", lastSeq));
        } else {
            send(request);
        }
    }

    private void send(ObjectNode message) throws InterruptedException {
        if (!socket.send(message.toString())) {
            signals.add(new Signal.Lost(connection, "the connection is gone"));
        }
    }

    private ObjectNode message(String type) {
        return mapper.createObjectNode().put("type", type).put("request_id", requestId);
    }

    private int handle(Signal signal) throws InterruptedException {
        if (signal instanceof Signal.Message message && message.connection == connection) {
            pinged = false;
            return event(message.text);
        }
        if (signal instanceof Signal.Pong pong && pong.connection == connection) {
            pinged = false;
        }
        if (signal instanceof Signal.Lost lost && lost.connection == connection) {
            return lost(lost.reason);
        }
        if (signal instanceof Signal.Interrupt interrupt) {
            return cancel(interrupt.code);
        }
        return GO_ON;
    }

    private int timeIsUp() throws InterruptedException {
        switch (state) {
            case CANCELLING -> {
                endText();
                display.error("Flux did not confirm in time that the job " + requestId + " is cancelled");
                return cancelCode;
            }
            case LOST -> {
                try {
                    open();
                    ask();
                } catch (IOException e) {
                    return lost(FluxUrl.reason(e));
                }
            }
            case FOLLOWING -> {
                if (pinged || !socket.ping()) {
                    return lost("Flux does not answer");
                }
                pinged = true;
                enter(State.FOLLOWING, HEARTBEAT);
            }
        }
        return GO_ON;
    }

    private int lost(String reason) throws InterruptedException {
        connection++; // whatever else comes from there is too late
        if (socket != null) {
            socket.close();
            socket = null;
            if (System.nanoTime() - connectedAt > patience.toNanos()) {
                giveUpAt = 0; // it was well again
            }
        }
        if (state == State.CANCELLING) {
            endText();
            return cancelCode;
        }
        long now = System.nanoTime();
        if (giveUpAt == 0) {
            giveUpAt = now + patience.toNanos();
            display.notice("connection lost (" + reason + "); reconnecting…");
        }
        if (now - giveUpAt >= 0) {
            endText();
            display.error("the connection to " + uri + " was lost and did not come back: " + reason);
            return ExitCode.FAILED;
        }
        // Not all clients of a gateway that restarts at the same moment.
        enter(
                State.LOST,
                Duration.ofMillis(retryMs / 2 + ThreadLocalRandom.current().nextLong(retryMs)));
        retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
        return GO_ON;
    }

    private int cancel(int code) throws InterruptedException {
        if (state == State.CANCELLING) {
            return GO_ON;
        }
        cancelCode = code;
        if (state == State.LOST) {
            endText();
            display.error("not connected: the job " + requestId + " could not be cancelled");
            return code;
        }
        enter(State.CANCELLING, CANCEL_PATIENCE);
        send(message("cancel"));
        return GO_ON;
    }

    private int event(String frame) throws InterruptedException {
        JsonNode event;
        try {
            event = mapper.readTree(frame);
        } catch (JsonProcessingException e) {
            display.error("what answers at " + uri + " does not speak Flux's protocol: " + e.getOriginalMessage());
            return ExitCode.FAILED;
        }
        if (!event.path("request_id").asText(requestId).equals(requestId)) {
            return GO_ON;
        }
        boolean journaled = event.path("seq").isIntegralNumber();
        if (journaled) {
            long seq = event.path("seq").asLong();
            if (seq <= lastSeq) {
                return GO_ON;
            }
            if (seq > lastSeq + 1) {
                return hole(seq);
            }
            lastSeq = seq;
        }
        String type = event.path("type").asText();
        if (type.equals("error") && !journaled) {
            return refused(event, frame);
        }
        if (!type.equals("ticket")) { // a Flux that gives tickets and closes is not well
            giveUpAt = 0;
            retryMs = FIRST_RETRY_MS;
        }
        return show(type, event, frame);
    }

    private int show(String type, JsonNode event, String frame) throws InterruptedException {
        print(() -> display.event(frame));
        switch (type) {
            case "ticket" -> {
                ticketed = true;
                if (state == State.CANCELLING) {
                    send(message("cancel")); // the first one may have come before the job
                }
                display.status("ticket " + requestId + place(event));
            }
            case "position" -> display.status("ticket " + requestId + place(event));
            case "start" -> display.status("ticket " + requestId + " · started");
            case "token" -> print(() -> display.text(event.path("content").asText()));
            case "restart" -> {
                if (event.path("mode").asText().equals("reset")) {
                    endText();
                    display.notice("the worker was lost; another one begins the answer again:");
                } else {
                    display.notice("the worker was lost; another one goes on");
                }
            }
            case "complete" -> {
                return complete(event);
            }
            case "error" -> {
                return fail(event);
            }
            default -> {
                // newer than this client
            }
        }
        return GO_ON;
    }

    private int complete(JsonNode event) {
        endText();
        if (readerGone) {
            return ExitCode.OUTPUT_GONE;
        }
        display.summary(event);
        if (state == State.CANCELLING) {
            return cancelCode;
        }
        return event.path("finish_reason").asText("stop").matches("stop|length") ? ExitCode.DONE : ExitCode.FAILED;
    }

    /** An answer to what was sent last, and not the job's end. */
    private int refused(JsonNode event, String frame) throws InterruptedException {
        if (state == State.CANCELLING) {
            return GO_ON; // it had ended, or had not begun: its complete or its ticket comes
        }
        if (event.path("code").asText().equals("unavailable")) {
            return lost(event.path("error").asText("unavailable"));
        }
        print(() -> display.event(frame));
        return fail(event);
    }

    private int fail(JsonNode event) {
        endText();
        display.error(FluxError.words(event));
        return state == State.CANCELLING ? cancelCode : ExitCode.FAILED;
    }

    private void endText() {
        print(display::endText);
    }

    /** Writes to stdout; when nobody reads it any more, the job is cancelled. */
    private void print(Printing printing) {
        if (readerGone) {
            return;
        }
        try {
            printing.print();
        } catch (IOException e) {
            readerGone = true;
            signals.add(new Signal.Interrupt(ExitCode.OUTPUT_GONE));
        }
    }

    /** Events are missing. The journal has them: ask for them once, on a new connection. */
    private int hole(long seq) throws InterruptedException {
        if (holeAfter == lastSeq) {
            endText();
            display.error(String.format(
                    Locale.ROOT, "the answer is not whole: events %d to %d did not come", lastSeq + 1, seq - 1));
            return ExitCode.FAILED;
        }
        holeAfter = lastSeq;
        return lost("events are missing");
    }

    private static String place(JsonNode event) {
        StringBuilder place = new StringBuilder();
        if (event.path("position").isNumber()) {
            place.append(" · position ").append(event.path("position").asLong());
        }
        if (event.path("eta_ms").isNumber()) {
            place.append(" · about ").append(Display.time(event.path("eta_ms").asLong()));
        }
        return place.toString();
    }
}
