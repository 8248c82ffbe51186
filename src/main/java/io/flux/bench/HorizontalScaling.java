package io.flux.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What Kubernetes' horizontal pod autoscaler decides between one worker and the most, for one metric with an average value
 * as its target: enough workers for the metric, unless it is within a tenth of what they are there for; then the more cautious of the
 * past recommendations; then what the policies allow. After Kubernetes' {@code podautoscaler/horizontal.go}
 * ({@code normalizeDesiredReplicasWithBehaviors}). Used by one thread.
 */
final class HorizontalScaling {
    private static final double TOLERANCE = 0.1;

    private final ScaledObject scaled;
    private final List<Recommendation> recommendations = new ArrayList<>();
    private final List<Change> changes = new ArrayList<>();

    private record Recommendation(Duration at, int replicas) {}

    /** @param by how many came; below 0: went */
    private record Change(Duration at, int by) {}

    HorizontalScaling(ScaledObject scaled) {
        this.scaled = scaled;
    }

    /**
     * How many workers there are to be.
     *
     * @param now on any clock that only goes forward
     * @param value the formula's
     * @param replicas how many there are to be so far; with none the autoscaler rests
     */
    int decide(Duration now, double value, int replicas) {
        if (replicas == 0) {
            return 0;
        }
        int stable = stabilized(now, needed(value, replicas), replicas);
        int allowed = stable > replicas
                ? Math.min(stable, upTo(now, replicas))
                : stable < replicas ? Math.max(stable, downTo(now, replicas)) : replicas;
        int decided = Math.max(Math.max(1, scaled.minReplicas()), Math.min(allowed, scaled.maxReplicas()));
        if (decided != replicas) {
            changes.add(new Change(now, decided - replicas));
        }
        return decided;
    }

    private int needed(double value, int replicas) {
        double ratio = value / (scaled.target() * replicas);
        return Math.abs(ratio - 1) <= TOLERANCE ? replicas : (int) Math.ceil(value / scaled.target());
    }

    private int stabilized(Duration now, int needed, int replicas) {
        recommendations.add(new Recommendation(now, needed));
        int least = needed;
        int most = needed;
        for (Recommendation past : recommendations) {
            if (isWithin(past.at, now, scaled.up().stabilization())) {
                least = Math.min(least, past.replicas);
            }
            if (isWithin(past.at, now, scaled.down().stabilization())) {
                most = Math.max(most, past.replicas);
            }
        }
        return Math.min(Math.max(replicas, least), most);
    }

    private int upTo(Duration now, int replicas) {
        ScaledObject.Rules rules = scaled.up();
        int limit = rules.policies().isEmpty() ? replicas : rules.smallest() ? Integer.MAX_VALUE : replicas;
        for (ScaledObject.Policy policy : rules.policies()) {
            int before = replicas - changed(now, policy.period());
            int allowed =
                    policy.percent() ? (int) Math.ceil(before * (1 + policy.value() / 100.0)) : before + policy.value();
            limit = rules.smallest() ? Math.min(limit, allowed) : Math.max(limit, allowed);
        }
        return limit;
    }

    private int downTo(Duration now, int replicas) {
        ScaledObject.Rules rules = scaled.down();
        int limit = rules.policies().isEmpty() ? replicas : rules.smallest() ? 0 : replicas;
        for (ScaledObject.Policy policy : rules.policies()) {
            int before = replicas - changed(now, policy.period());
            int allowed = policy.percent() ? (int) (before * (1 - policy.value() / 100.0)) : before - policy.value();
            limit = rules.smallest() ? Math.max(limit, allowed) : Math.min(limit, allowed);
        }
        return limit;
    }

    private int changed(Duration now, Duration period) {
        return changes.stream()
                .filter(change -> isWithin(change.at, now, period))
                .mapToInt(Change::by)
                .sum();
    }

    private static boolean isWithin(Duration past, Duration now, Duration time) {
        return past.plus(time).compareTo(now) > 0;
    }
}
