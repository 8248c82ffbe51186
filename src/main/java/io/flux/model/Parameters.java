package io.flux.model;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a model gives to requests that do not say, and how far those that do may go.
 *
 * @param defaults values by the name of a request's field, one of {@link #NAMES}; may be empty
 * @param bounds the smallest and the largest value that is allowed, by the name of a field; may be empty
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Parameters(
        @JsonProperty("defaults") Map<String, Number> defaults, @JsonProperty("bounds") Map<String, Range> bounds) {
    /** The fields of a request that may have a default and bounds. */
    public static final List<String> NAMES =
            List.of("max_tokens", "temperature", "top_p", "top_k", "min_p", "timeout_ms");

    /** No defaults and no bounds. */
    public static final Parameters NONE = new Parameters(Map.of(), Map.of());

    public Parameters {
        defaults = defaults == null ? Map.of() : new TreeMap<>(defaults);
        bounds = bounds == null ? Map.of() : new TreeMap<>(bounds);
    }

    /** Smallest and largest value, both allowed; {@code [min, max]} in JSON. */
    @JsonFormat(shape = JsonFormat.Shape.ARRAY)
    @JsonPropertyOrder({"min", "max"})
    public record Range(@JsonProperty("min") Number min, @JsonProperty("max") Number max) {
        /** The allowed value that is nearest to another. */
        int nearest(int value) {
            return Math.max(min.intValue(), Math.min(max.intValue(), value));
        }

        /** As people say it. */
        @Override
        public String toString() {
            return "between " + shown(min) + " and " + shown(max);
        }

        private static String shown(Number value) {
            return new BigDecimal(value.toString()).stripTrailingZeros().toPlainString();
        }

        /** Whether a value is allowed. */
        public boolean contains(double value) {
            return value >= min.doubleValue() && value <= max.doubleValue();
        }
    }
}
