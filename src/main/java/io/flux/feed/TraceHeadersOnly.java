package io.flux.feed;

import java.util.Locale;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.spi.HeaderFilterStrategy;

/**
 * Of the headers that a sender writes into a message, only those of a trace become headers of an exchange. A name in any
 * other spelling than Camel's filters expect would replace a header that Camel itself sets, or one that a component obeys:
 * the exchange's headers know no case. Thread-safe.
 */
public final class TraceHeadersOnly implements HeaderFilterStrategy {
    private static final Set<String> PASS = Set.of("traceparent", "tracestate");

    @Override
    public boolean applyFilterToExternalHeaders(String name, Object value, Exchange exchange) {
        return !PASS.contains(name.toLowerCase(Locale.ROOT));
    }

    /** For consumers, whose exchanges go nowhere else by it. */
    @Override
    public boolean applyFilterToCamelHeaders(String name, Object value, Exchange exchange) {
        return true;
    }
}
