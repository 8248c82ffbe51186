package io.flux.trace;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An exporter that says once that its spans are not taken, and once that they are again. Thread-safe. */
final class SayingOnce implements SpanExporter {
    private static final Logger LOG = LoggerFactory.getLogger(SayingOnce.class);

    private final SpanExporter exporter;
    private final AtomicBoolean failing = new AtomicBoolean();

    SayingOnce(SpanExporter exporter) {
        this.exporter = exporter;
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        CompletableResultCode result = exporter.export(spans);
        result.whenComplete(() -> {
            if (failing.compareAndSet(result.isSuccess(), !result.isSuccess())) {
                if (result.isSuccess()) {
                    LOG.info("Traces are taken again");
                } else {
                    LOG.warn(
                            "Traces are not taken, and dropped until they are: {}",
                            result.getFailureThrowable() == null
                                    ? exporter
                                    : result.getFailureThrowable().toString());
                }
            }
        });
        return result;
    }

    @Override
    public CompletableResultCode flush() {
        return exporter.flush();
    }

    @Override
    public CompletableResultCode shutdown() {
        return exporter.shutdown();
    }
}
