package io.flux.trace;

import io.flux.job.JobRequest;
import io.flux.job.TraceContext;
import java.time.Duration;

/** Makes spans of what happens to a job; {@link #OFF} makes none. Thread-safe, never blocks, never throws. */
public interface Tracing extends AutoCloseable {
    /** Passes on what clients bring, and makes no span. */
    Tracing OFF = new Tracing() {
        @Override
        public SubmitSpan submit(JobRequest request, TraceContext parent, TraceContext replayed, String route) {
            return () -> parent;
        }

        @Override
        public AttemptSpan attempt(Served served) {
            return served::parent;
        }

        @Override
        public void close() {
            // nothing was begun
        }
    };

    /**
     * A request has come in.
     *
     * @param parent the client's context; null for none
     * @param replayed the context of the job that this one is a replay of; null for none
     * @param route the route that it came in by
     */
    SubmitSpan submit(JobRequest request, TraceContext parent, TraceContext replayed, String route);

    /** An attempt at a job begins; with the first one, the job's time in the queue ends. */
    AttemptSpan attempt(Served served);

    /** Sends what is not sent yet, for a short time at most. */
    @Override
    void close();

    /**
     * What an attempt is about.
     *
     * @param parent the job's context; null for none
     * @param engine the kamelet that is asked
     * @param attempt 1 for the first
     * @param queued from the job's creation to its first attempt
     * @param resumed events of earlier attempts that this one goes on after
     */
    record Served(JobRequest request, TraceContext parent, String engine, int attempt, Duration queued, int resumed) {}

    /** A request on its way into the queue. Every method may be called again. */
    interface SubmitSpan {
        /** What the job keeps; null for nothing. */
        TraceContext context();

        /**
         * It is in the queue, or was there before.
         *
         * @param request with the model that it was given
         */
        default void accepted(JobRequest request) {
            // nothing was begun
        }

        /** It was not put into the queue; nothing when it was. */
        default void failed(Throwable cause) {
            // nothing was begun
        }
    }

    /** An attempt at a job, with the call of its engine. Every method may be called again. */
    interface AttemptSpan {
        /** What the engine gets, and exemplars point to; null for nothing. */
        TraceContext context();

        /** The engine has written for the first time. */
        default void firstText() {
            // nothing was begun
        }

        /**
         * The engine has ended.
         *
         * @param verdict what follows
         */
        default void ended(String verdict, Outcome outcome) {
            // nothing was begun
        }
    }

    /**
     * How an engine ended.
     *
     * @param finish the finish reason; null when it failed
     * @param code the failure's code; null when it did not
     * @param promptTokens null when the engine does not tell
     * @param completionTokens null when the engine does not tell
     */
    record Outcome(String finish, String code, Integer promptTokens, Integer completionTokens) {}
}
