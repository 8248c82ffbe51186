package io.flux.engine;

/** A model's engine as the worker's slots see it: what is to be there before a job is taken. */
public interface ModelEngine extends AutoCloseable {
    /**
     * Makes it ready; what takes long goes on in the background, with the gate closed.
     *
     * @throws IllegalStateException when it can never be ready here; the message says what was looked for and where
     */
    void start();

    /** Whether it can be asked now. */
    EngineGate gate();

    /** Ends what was started. */
    @Override
    void close();

    /** An engine that has nothing running between jobs. */
    static ModelEngine onDemand(Runnable finder) {
        EngineGate gate = EngineGate.opened();
        return new ModelEngine() {
            @Override
            public void start() {
                finder.run();
            }

            @Override
            public EngineGate gate() {
                return gate;
            }

            @Override
            public void close() {
                // Nothing runs.
            }
        };
    }
}
