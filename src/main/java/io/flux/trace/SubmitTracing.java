package io.flux.trace;

import io.flux.job.JobRequest;
import io.flux.job.TraceContext;
import io.flux.trace.Tracing.SubmitSpan;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * The first step of submit: begins the span of a request. In: the request as the body; variable {@code trace}, the client's
 * context as the door found it; variable {@code replays}, the context of a job that this one is a replay of. Out: variable
 * {@code trace}, what the job is to keep; variable {@code submitting}, the span, which ends with the exchange at the latest.
 */
public final class SubmitTracing implements Processor {
    private final Tracing tracing;

    public SubmitTracing(Tracing tracing) {
        this.tracing = tracing;
    }

    /** The job is in the queue, or was there before. */
    public void accepted(SubmitSpan span, JobRequest request) {
        span.accepted(request);
    }

    @Override
    public void process(Exchange exchange) {
        JobRequest request = exchange.getMessage().getBody(JobRequest.class);
        TraceContext parent =
                request.trace() != null ? request.trace() : exchange.getVariable("trace", TraceContext.class);
        SubmitSpan span = tracing.submit(
                request, parent, exchange.getVariable("replays", TraceContext.class), exchange.getFromRouteId());
        exchange.setVariable("trace", span.context());
        exchange.setVariable("submitting", span);
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                Throwable caught = done.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
                span.failed(done.getException() != null ? done.getException() : caught);
            }
        });
    }
}
