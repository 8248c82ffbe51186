package io.flux.gateway;

import io.vertx.core.http.HttpServerResponse;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** The client of one HTTP request whose answer is written event by event. */
final class HttpConnection implements Connection, HttpAnswer {
    /** Signs of life that may be on their way to a client that does not read, before it counts as gone. */
    private static final int UNREAD = 3;

    private final String key;
    private final LongAdder sent;
    private final HttpServerResponse response;
    private final PendingWrites writes;
    private Rendition rendition;
    private boolean done;
    private long writtenBefore;
    private int unread;

    /** @param sent counts the bytes of all connections */
    HttpConnection(String key, HttpServerResponse response, Rendition rendition, LongAdder sent) {
        this.key = key;
        this.sent = sent;
        this.writes = new PendingWrites(sent);
        this.response = response;
        this.rendition = rendition;
    }

    @Override
    public String key() {
        return key;
    }

    /** From here on the client is shown events in another way. */
    synchronized void render(Rendition other) {
        rendition = other;
    }

    @Override
    public synchronized void send(String frame) {
        if (!done) {
            rendition.event(frame, this);
        }
    }

    @Override
    public void over(String ticket) {
        idle();
    }

    @Override
    public synchronized void idle() {
        if (!done) {
            rendition.over(this);
        }
    }

    @Override
    public boolean isBehind() {
        return writes.areMany();
    }

    @Override
    public void whenCaughtUp(Runnable action) {
        writes.whenFew(action);
    }

    /** HTTP has no ping: a client that lets everything lie in its network's buffers for several times has gone. */
    @Override
    public synchronized boolean ping() {
        if (done) {
            return true; // others see to it
        }
        boolean reads = writes.areNone() || writes.written() > writtenBefore;
        writtenBefore = writes.written();
        unread = reads ? 0 : unread + 1;
        if (unread > UNREAD) {
            return false;
        }
        rendition.heartbeat(this);
        return true;
    }

    @Override
    public synchronized void closed() {
        done = true;
        writes.close();
    }

    @Override
    public synchronized void close(int code, String reason) {
        if (!done) {
            rendition.interrupted(this);
        }
    }

    @Override
    public synchronized boolean hasHead() {
        return response.headWritten();
    }

    @Override
    public synchronized void head(int status, Map<String, String> headers) {
        response.setStatusCode(status);
        headers.forEach(response::putHeader);
        response.setChunked(true);
    }

    @Override
    public synchronized void whole(int status, Map<String, String> headers, String body) {
        if (!done) {
            done = true;
            response.setStatusCode(status);
            headers.forEach(response::putHeader);
            sent.add(body.length());
            response.end(body);
        }
    }

    @Override
    public synchronized void write(String text) {
        if (!done) {
            writes.add(text, response.write(text));
        }
    }

    @Override
    public synchronized void end() {
        if (!done) {
            done = true;
            response.end();
        }
    }

    @Override
    public synchronized void cut() {
        if (!done) {
            done = true;
            response.reset();
        }
    }
}
