package io.flux.model;

/**
 * A model that somebody serves, or served a while ago, or that is configured to be served.
 *
 * @param description what the newest of those that serve it says; what the newest of all says when nobody does
 * @param workers processes that serve it now
 * @param slots jobs that all of them can serve at the same time
 */
record KnownModel(ModelDescription description, int workers, int slots) {

    static KnownModel of(ModelDescription description) {
        return new KnownModel(description, 0, 0);
    }

    /** The same with one process more; those that said so last come first. */
    KnownModel servedBy(ModelDescription worker) {
        if (worker.slots() == 0) {
            return this;
        }
        return new KnownModel(workers == 0 ? worker : description, workers + 1, slots + worker.slots());
    }
}
