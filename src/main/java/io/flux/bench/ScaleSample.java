package io.flux.bench;

/**
 * One look at a {@link ScaleDrill}.
 *
 * @param seconds since its begin
 * @param waiting jobs in line
 * @param running jobs that a worker has
 * @param wanted workers that are to be there
 * @param ready of these, the ones that serve
 * @param leaving workers that were told to end and finish their answers
 * @param open streams that have not ended
 */
public record ScaleSample(double seconds, long waiting, long running, int wanted, int ready, int leaving, long open) {}
