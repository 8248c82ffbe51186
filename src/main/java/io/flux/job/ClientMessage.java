package io.flux.job;

/** What a client can say: one of three verbs about a job, or a question about models. */
public sealed interface ClientMessage {

    /** The job's id; null when the message is about none. */
    String requestId();

    /** The verb, for routes to choose by: {@code generate}, {@code cancel}, {@code resume} or {@code models}. */
    String verb();

    /** Submit the request and follow the job. */
    record Generate(JobRequest request) implements ClientMessage {
        @Override
        public String requestId() {
            return request.requestId();
        }

        @Override
        public String verb() {
            return "generate";
        }
    }

    /** Stop the job, wherever it is. */
    record Cancel(String requestId) implements ClientMessage {
        @Override
        public String verb() {
            return "cancel";
        }
    }

    /**
     * Follow a job that exists.
     *
     * @param after the last {@code seq} that the client has; 0 for none
     */
    record Resume(String requestId, long after) implements ClientMessage {
        @Override
        public String verb() {
            return "resume";
        }
    }

    /**
     * Say which models are served.
     *
     * @param requestId comes back in the answer; null when the client gave none
     */
    record Models(String requestId) implements ClientMessage {
        @Override
        public String verb() {
            return "models";
        }
    }
}
