package io.flux.engine;

import io.flux.job.JobRequest;
import io.flux.job.TraceContext;
import java.time.Duration;
import java.util.Objects;

/**
 * What an engine is asked: the contract of the engine kamelets, whose body it is.
 *
 * @param request what the client wants
 * @param attempt 1 for the first engine that works on the request, 2 for the next, …
 * @param soFar what earlier attempts have shown to the client, for the engine to go on after
 * @param timeLeft from now until the engine is stopped because the request's time is over, or null for no limit
 * @param trace what the engine is told of the trace that the request belongs to; null for nothing
 */
public record EngineJob(JobRequest request, int attempt, Transcript soFar, Duration timeLeft, TraceContext trace) {

    /** A job of no trace. */
    public EngineJob(JobRequest request, int attempt, Transcript soFar, Duration timeLeft) {
        this(request, attempt, soFar, timeLeft, null);
    }

    public EngineJob {
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(soFar, "soFar");
        if (attempt < 1) {
            throw new IllegalArgumentException("attempt must be at least 1, not " + attempt);
        }
    }

    /** Who asks; names the stream in {@link Engines}. */
    public String requestId() {
        return request.requestId();
    }

    /** What the engine is told of the trace, as a header; null for nothing. */
    public String traceparent() {
        return trace == null ? null : trace.traceparent();
    }

    /** The name of the model that is asked. */
    public String model() {
        return request.model();
    }

    /** Whether an earlier attempt has written something that this one goes on after. */
    public boolean isContinued() {
        return !soFar.text().isEmpty();
    }

    /** Without the prompt and the stop texts: they belong to the client and not in a log. */
    @Override
    public String toString() {
        return "EngineJob[requestId=" + requestId() + ", attempt=" + attempt + ", model=" + model() + ", soFar="
                + soFar.text().length() + " chars]";
    }
}
