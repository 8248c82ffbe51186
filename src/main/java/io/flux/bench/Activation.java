package io.flux.bench;

import java.time.Duration;

/**
 * What KEDA itself decides: whether there are workers at all. Between one and many the HPA decides, see
 * {@link HorizontalScaling}. After KEDA's {@code scale_scaledobjects.go}: the first worker comes as soon as there is work, the last
 * one goes when there has been none for the cooldown. Used by one thread.
 */
final class Activation {
    private final ScaledObject scaled;
    private Duration lastActive;

    Activation(ScaledObject scaled) {
        this.scaled = scaled;
    }

    /**
     * How many workers there are to be.
     *
     * @param now on any clock that only goes forward
     * @param value the formula's
     * @param replicas how many there are to be so far
     */
    int decide(Duration now, double value, int replicas) {
        boolean active = value > scaled.activationTarget();
        if (active) {
            lastActive = now;
            return replicas == 0 ? Math.max(1, scaled.minReplicas()) : replicas;
        }
        boolean cooledDown = lastActive == null || now.minus(lastActive).compareTo(scaled.cooldown()) > 0;
        return replicas > 0 && scaled.minReplicas() == 0 && cooledDown ? 0 : replicas;
    }
}
