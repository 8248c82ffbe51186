package io.flux.ledger;

import io.flux.job.TraceContext;

/**
 * An attempt at a job that has begun.
 *
 * @param id the job
 * @param attempt 1 for the first; the fencing token of every write
 * @param seq the journal's last {@code seq}, 0 when it is empty
 * @param request the request's JSON
 * @param queueMs ms from the job's creation to its first attempt
 * @param runningMs ms since the first attempt began
 * @param failures how many earlier attempts count as failed
 * @param leftMs ms until the job's deadline, 0 or less when it has passed; null when there is none
 * @param requeueMs ms for which the job waited for attempts after the first
 * @param trace the trace that the job belongs to; null for none
 */
public record Started(
        String id,
        int attempt,
        long seq,
        String request,
        long queueMs,
        long runningMs,
        int failures,
        Long leftMs,
        long requeueMs,
        TraceContext trace) {}
