package io.flux.trace;

import io.flux.job.TraceContext;
import io.micrometer.core.instrument.Timer;
import io.prometheus.metrics.tracer.common.SpanContext;
import java.time.Duration;

/**
 * Gives measurements of whole jobs the trace that they belong to. Prometheus' client asks for it at every measurement;
 * outside {@link #record} the answer is that there is none. Thread-safe.
 */
public final class Exemplars implements SpanContext {
    private final ThreadLocal<TraceContext> current = new ThreadLocal<>();

    /** Records a duration, with a trace when there is one and it is recorded. */
    public void record(Timer timer, Duration duration, TraceContext context) {
        if (context == null || !context.isSampled()) {
            timer.record(duration);
            return;
        }
        current.set(context);
        try {
            timer.record(duration);
        } finally {
            current.remove();
        }
    }

    @Override
    public String getCurrentTraceId() {
        TraceContext context = current.get();
        return context == null ? null : context.traceId();
    }

    @Override
    public String getCurrentSpanId() {
        TraceContext context = current.get();
        return context == null ? null : context.spanId();
    }

    @Override
    public boolean isCurrentSpanSampled() {
        return current.get() != null;
    }

    @Override
    public void markCurrentSpanAsExemplar() {
        // Which traces are kept, is decided where they begin.
    }
}
