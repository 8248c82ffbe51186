package io.flux.engine;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.hc.core5.concurrent.Cancellable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server's answer as a run: server-sent events, which an {@link AnswerDecoder} understands.
 *
 * <pre>
 *   ASKED ── begin(request) … ──▶ answered(status, body) ──▶ read(), read(), … null ──▶ end()
 *     └────────────────────────── ended(end) ──────────────▶ null ──▶ end()
 * </pre>
 *
 * <p>It can be killed from its first moment on: the request that is under way is cancelled, which closes its connection at
 * once, whatever it waits for; one that begins later is cancelled as it begins. To close the body would not do: a body
 * that is sent in chunks is read to its end first. Asking and reading is for one thread, killing for any.
 */
final class HttpRun implements EngineRun {
    private static final Logger LOG = LoggerFactory.getLogger(HttpRun.class);

    private static final int OK = 200;
    private static final int REFUSAL_BYTES = 64 * 1024;

    /** What OpenAI's API, and those that follow it, send last. */
    private static final String DONE = "[DONE]";

    private final String name;

    private Cancellable request;
    private boolean killed;

    private int status;
    private InputStream body;
    private AnswerDecoder decoder;
    private Utf8Chunks chunks;
    private final SseEvents events = new SseEvents();

    /** Whether the server has said that it is done, and whether its body is read to the end. */
    private boolean done;

    private boolean drained;

    /** What kept the answer from being read to its end; or null. */
    private IOException broken;

    /** How it ended, where events do not say; or null. */
    private EngineEnd ended;

    private volatile String log = "";

    HttpRun(String name) {
        this.name = name;
    }

    /** The call's, in {@link LiveHttp#CALL_HEADER}. */
    String name() {
        return name;
    }

    /**
     * A request of the call begins; it is cancelled when the call was killed, and can be cancelled from here on. What the
     * one before it has left unread is given up.
     */
    void begin(Cancellable next) {
        Cancellable over;
        synchronized (this) {
            over = killed ? next : request;
            request = next;
        }
        cancel(over);
    }

    /** Whether it was killed: what a request of the call throws then says nothing about its server. */
    synchronized boolean isKilled() {
        return killed;
    }

    /** The request for the answer has one. */
    void answered(int httpStatus, InputStream answer, AnswerDecoder answerDecoder) {
        status = httpStatus;
        body = answer;
        decoder = answerDecoder;
        chunks = new Utf8Chunks(answer);
    }

    /** There will be no answer, or none that anybody reads. */
    void ended(EngineEnd end) {
        ended = end;
        kill();
    }

    @Override
    public String read() throws IOException {
        if (ended != null || done || broken != null || body == null) {
            return null;
        }
        if (status != OK) {
            refuse();
            return null;
        }
        StringBuilder text = new StringBuilder();
        try {
            do {
                String chunk = chunks.read();
                if (chunk == null) {
                    done = true;
                    drained = true;
                    return text.isEmpty() ? null : text.toString();
                }
                for (String data : events.accept(chunk)) {
                    if (data.equals(DONE)) {
                        done = true;
                        decoder.done();
                        break;
                    }
                    text.append(decoder.accept(data));
                }
            } while (!done && body.available() > 0);
        } catch (IOException e) {
            broken = e;
            if (text.isEmpty()) {
                throw e;
            }
        }
        return text.toString();
    }

    private void refuse() throws IOException {
        String said = new String(body.readNBytes(REFUSAL_BYTES), StandardCharsets.UTF_8);
        log = decoder.log("HTTP " + status + " " + said);
        done = true;
        ended = EngineEnd.failed(decoder.refusal(status, said), null, log);
    }

    @Override
    public Ending end() {
        drain();
        // What is not read by now is read by nobody.
        kill();
        if (ended != null) {
            return new Ending("", ended);
        }
        EngineEnd said = decoder == null ? null : decoder.end();
        if (said != null) {
            return new Ending("", said);
        }
        if (broken != null) {
            log = broken.toString();
        }
        return new Ending(
                "", EngineEnd.failed(EngineFailure.failed("the engine's answer broke off before its end"), null, log));
    }

    /** What comes after the last event is nothing but the mark of the body's end, and then the connection is free. */
    private void drain() {
        if (body == null || drained) {
            return;
        }
        drained = true;
        if (broken != null) {
            return;
        }
        byte[] nothing = new byte[1024];
        try {
            int count = body.read(nothing);
            while (count >= 0) {
                count = body.read(nothing);
            }
        } catch (IOException e) {
            LOG.debug("the connection of call {} ended before its answer's end mark", name, e);
        }
    }

    @Override
    public void kill() {
        Cancellable current;
        synchronized (this) {
            killed = true;
            current = request;
        }
        cancel(current);
    }

    /** Nothing happens when its connection was given back already. */
    private static void cancel(Cancellable request) {
        if (request != null) {
            request.cancel();
        }
    }

    @Override
    public void killLeftovers() {
        kill();
    }

    @Override
    public void release() {
        kill();
    }

    @Override
    public void awaitStopped() {
        // A cancelled request is gone when cancel() returns.
    }

    @Override
    public EngineEnd counted(EngineEnd end) {
        return decoder == null ? end : end.withTokens(decoder.promptTokens(), decoder.completionTokens());
    }

    @Override
    public String log() {
        return log;
    }
}
