package io.flux.ledger;

/**
 * A job that a gateway has ceased to follow and that has not ended.
 *
 * @param model the job's model
 * @param onDisconnect what its request wants done when nobody follows it
 * @param gateways how many others follow it, as far as is known: one that was killed is still counted
 */
public record Unfollowed(String model, String onDisconnect, long gateways) {}
