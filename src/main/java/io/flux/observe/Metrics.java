package io.flux.observe;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

/** The page {@code GET /metrics}. Thread-safe; gauges of queues block for round trips to Redis. */
public final class Metrics {
    private static final String OPEN_METRICS = "application/openmetrics-text";
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    private final PrometheusMeterRegistry registry;

    /**
     * The page.
     *
     * @param contentType the form that it is in
     */
    public record Page(String contentType, String text) {}

    public Metrics(PrometheusMeterRegistry registry) {
        this.registry = registry;
    }

    /**
     * All metrics, in OpenMetrics' form for who takes that, which is the one that has exemplars; else in Prometheus' own.
     *
     * @param accept HTTP's header; null when there is none
     */
    public Page page(String accept) {
        String form = accept != null && accept.contains(OPEN_METRICS)
                ? OPEN_METRICS + "; version=1.0.0; charset=utf-8"
                : PROMETHEUS;
        return new Page(form, registry.scrape(form));
    }
}
