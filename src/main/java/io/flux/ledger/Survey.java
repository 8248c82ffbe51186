package io.flux.ledger;

/**
 * A model's queue at one time.
 *
 * @param waiting jobs in line
 * @param running jobs that a worker holds a lease of, and those that wait for their next attempt
 * @param dead dead letters
 * @param tenants tenants whose jobs are in line
 * @param oldestMs ms since the oldest job in line was created; 0 when none waits
 */
public record Survey(long waiting, long running, long dead, long tenants, long oldestMs) {}
