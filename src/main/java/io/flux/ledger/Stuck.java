package io.flux.ledger;

import java.util.List;

/**
 * Jobs that need help. The same job may be in several of the lists, and is found again until it was helped.
 *
 * @param expired their lease has run out: the worker is dead or cut off, or the time until a next attempt is over
 * @param overdue their deadline has passed
 * @param abandoned nobody has followed them for longer than they are to wait for that
 */
public record Stuck(List<String> expired, List<String> overdue, List<String> abandoned) {}
