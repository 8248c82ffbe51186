package io.flux.trace;

import java.util.Map;
import java.util.function.UnaryOperator;

/** Whether traces are wanted: OpenTelemetry's own variables say so, and nothing of it is loaded when they do not. */
public final class TraceSettings {
    private TraceSettings() {}

    /**
     * Whether they are: an exporter or the address of a collector is named.
     *
     * @param property a setting by OpenTelemetry's name, {@code otel.traces.exporter}; null when it is not set
     */
    public static boolean areWanted(UnaryOperator<String> property) {
        if ("true".equalsIgnoreCase(property.apply("otel.sdk.disabled"))) {
            return false;
        }
        String exporter = property.apply("otel.traces.exporter");
        if (exporter != null && !exporter.isBlank()) {
            return !exporter.equals("none");
        }
        return isSet(property.apply("otel.exporter.otlp.endpoint"))
                || isSet(property.apply("otel.exporter.otlp.traces.endpoint"));
    }

    private static boolean isSet(String value) {
        return value != null && !value.isBlank();
    }

    /** What is set unless OpenTelemetry's variables say otherwise: traces only, over HTTP. */
    static Map<String, String> defaults() {
        return Map.of(
                "otel.service.name", "flux",
                "otel.traces.exporter", "otlp",
                "otel.metrics.exporter", "none",
                "otel.logs.exporter", "none",
                "otel.exporter.otlp.protocol", "http/protobuf");
    }
}
