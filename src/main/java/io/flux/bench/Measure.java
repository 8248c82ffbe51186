package io.flux.bench;

/**
 * One figure of a scenario.
 *
 * @param name what it is of, with its unit
 * @param value NaN when it could not be measured
 * @param budget what it is to be; null when nothing is
 */
public record Measure(String name, double value, Budget budget) {
    /** One of which nothing is asked. */
    public Measure(String name, double value) {
        this(name, value, null);
    }

    static Measure atMost(double limit, String name, double value) {
        return new Measure(name, value, new Budget(limit, true));
    }

    static Measure atLeast(double limit, String name, double value) {
        return new Measure(name, value, new Budget(limit, false));
    }

    /** A bound. @param most whether it bounds from above */
    public record Budget(double limit, boolean most) {
        /** Whether a value keeps to it. */
        public boolean isMet(double value) {
            return most ? value <= limit : value >= limit;
        }
    }

    /** Whether it is as it is to be, or nothing is asked of it. */
    public boolean isMet() {
        return budget == null || budget.isMet(value);
    }
}
