package io.flux.bench;

import java.util.Arrays;
import java.util.Collection;

/** Values and their percentiles, by nearest rank: the p-th is the least value that p per cent are not above. */
final class Distribution {
    private final double[] sorted;

    private Distribution(double[] sorted) {
        this.sorted = sorted;
    }

    static Distribution of(Collection<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return new Distribution(sorted);
    }

    /** @param percent 0 to 100; NaN is returned when there are no values */
    double percentile(double percent) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        int rank = (int) Math.ceil(percent / 100 * sorted.length);
        return sorted[Math.max(0, rank - 1)];
    }

    double max() {
        return percentile(100);
    }
}
