package io.flux.ledger;

import io.flux.job.JobRecord;

/**
 * A job's life so far.
 *
 * @param nowMs when that was read, ms since 1970 (Redis time)
 * @param model the job's model
 * @param state {@code created}, {@code queued}, {@code running} or {@code done}
 * @param record where it has been
 */
public record JobLife(long nowMs, String model, String state, JobRecord record) {}
