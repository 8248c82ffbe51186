package io.flux.ledger;

/**
 * A job for which no attempt was left.
 *
 * @param id the job
 * @param model the job's model
 * @param request the request's JSON
 * @param failure what operators are to know of it, JSON
 * @param createdMs when the job was created, in ms since 1970 (Redis time)
 */
public record DeadLetter(String id, String model, String request, String failure, long createdMs) {}
