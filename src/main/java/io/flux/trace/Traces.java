package io.flux.trace;

import java.util.function.UnaryOperator;

/** Where the process's {@link Tracing} comes from. */
public final class Traces {
    private Traces() {}

    /**
     * Starts tracing when it is wanted.
     *
     * @param property as for {@link TraceSettings#areWanted}
     * @param process this process's id
     */
    public static Tracing start(UnaryOperator<String> property, String process) {
        return TraceSettings.areWanted(property) ? OpenTelemetryTracing.start(process) : Tracing.OFF;
    }
}
