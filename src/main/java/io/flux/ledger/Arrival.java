package io.flux.ledger;

/**
 * How a job comes into its model's line.
 *
 * @param tenant whose turn it takes; empty where there are no tenants
 * @param urgency 1 to 3: a tenant's jobs of 1 go before those of 2
 * @param queueLimit the most jobs in line; when they are there, a tenant that has less than its share is let in still
 * @param tenantLimit the most jobs of the tenant that may wait or run for the model; 0 for any number
 */
public record Arrival(String tenant, int urgency, int queueLimit, int tenantLimit) {
    public Arrival {
        if (urgency < 1 || urgency > 3) {
            throw new IllegalArgumentException("urgency must be between 1 and 3, not " + urgency);
        }
    }
}
