package io.flux.ledger;

/**
 * An event that ends a job, for a script that knows its {@code seq} only when it writes it.
 *
 * @param head the JSON up to the value of {@code seq}
 * @param untouched the rest of it, when nothing was generated
 * @param tail the rest of it, when something was
 */
public record LastEvent(String head, String untouched, String tail) {}
