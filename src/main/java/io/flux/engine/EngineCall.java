package io.flux.engine;

import java.io.InputStream;

/**
 * A server that is being asked: what an engine's kamelet carries from step to step, from {@link Engines#call} on, which
 * makes the job stoppable, until one of {@link #answered} and {@link #ended} gives it its stream.
 *
 * <p>Every request of the call has the header {@link LiveHttp#CALL_HEADER} with its {@link #name}: a stop ends the one
 * that is under way, and lets no other begin.
 */
public final class EngineCall {
    private final EngineStream stream;
    private final HttpRun run;

    EngineCall(EngineStream stream, HttpRun run) {
        this.stream = stream;
        this.run = run;
    }

    /** For {@link LiveHttp#CALL_HEADER}; no other call has it. */
    public String name() {
        return run.name();
    }

    /** Whether the call was stopped: what its requests throw then says nothing about the server. */
    boolean isStopped() {
        return run.isKilled();
    }

    /** What is asked. */
    public EngineJob job() {
        return stream.job();
    }

    /**
     * The server answers: from here on its answer can be read as it comes.
     *
     * @param status HTTP's
     * @param body the body as it comes; null when there is none
     * @param decoder knows what it means
     */
    EngineStream answered(int status, InputStream body, AnswerDecoder decoder) {
        run.answered(status, body == null ? InputStream.nullInputStream() : body, decoder);
        stream.waitNoMore();
        return stream;
    }

    /** The server will not answer, or need not. */
    EngineStream ended(EngineEnd end) {
        run.ended(end);
        stream.waitNoMore();
        return stream;
    }
}
