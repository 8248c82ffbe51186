package io.flux.job;

import java.util.regex.Pattern;

/**
 * Where a job belongs in a trace, in the W3C's words (Trace Context, version 00). Flux keeps it with the job and passes it
 * on, whether it makes spans itself or not.
 *
 * @param traceparent version, trace, span and flags
 * @param tracestate what other tracing systems want to know; empty for nothing
 */
public record TraceContext(String traceparent, String tracestate) {
    /** The rule, for those who broke it. */
    public static final String RULE =
            "must be a W3C trace context: 00-, 32 hexadecimal digits, -, 16, -, 2; lower case, and no id all zeros";

    private static final Pattern TRACEPARENT =
            Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
    /** Printable ASCII; what is in it, is for those who wrote it. */
    private static final Pattern TRACESTATE = Pattern.compile("[\\x20-\\x7e]{0,512}");

    /**
     * The context that two headers carry.
     *
     * @param traceparent may be null
     * @param tracestate may be null; one that is no such thing is left out
     * @return null when the first is no such thing: then there is none, as the W3C wants it
     */
    public static TraceContext of(String traceparent, String tracestate) {
        if (traceparent == null || !TRACEPARENT.matcher(traceparent).matches()) {
            return null;
        }
        boolean fits = tracestate != null && TRACESTATE.matcher(tracestate).matches();
        return new TraceContext(traceparent, fits ? tracestate.strip() : "");
    }

    /** The context that {@link #stored} has written; null for none. */
    public static TraceContext read(String stored) {
        int space = stored.indexOf(' ');
        return space < 0 ? of(stored, null) : of(stored.substring(0, space), stored.substring(space + 1));
    }

    /** Both, as the job keeps them. */
    public String stored() {
        return tracestate.isEmpty() ? traceparent : traceparent + " " + tracestate;
    }

    /** The trace, 32 hexadecimal digits. */
    public String traceId() {
        return traceparent.substring(3, 35);
    }

    /** The span, 16 hexadecimal digits. */
    public String spanId() {
        return traceparent.substring(36, 52);
    }

    /** Whether whoever began the trace wants it recorded. */
    public boolean isSampled() {
        return (Integer.parseInt(traceparent.substring(53), 16) & 1) == 1;
    }
}
