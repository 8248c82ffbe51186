package io.flux.feed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.Connection;
import io.flux.gateway.Hub;
import io.flux.job.Answer;
import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.log.JobLog;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A step of a route that goes on when a job has ended: the body is its text then, and headers say how it ended. While it
 * waits, no thread is held; the exchange goes on with a thread of a pool of its own, so that what comes after may block.
 *
 * <p>In: variable {@code request}, the job; variable {@code place}, as {@code gateway-submit} leaves them; variable
 * {@code caller}. An answer that is not whole is a {@link Refusal}: the job's own error, or {@code cancelled} or
 * {@code deadline}.
 */
public final class AnswerWait extends AsyncProcessorSupport {
    private static final Logger LOG = LoggerFactory.getLogger(AnswerWait.class);

    private static final String FINISH_REASON = "FluxFinishReason";
    private static final String PROMPT_TOKENS = "FluxPromptTokens";
    private static final String COMPLETION_TOKENS = "FluxCompletionTokens";

    private final Hub hub;
    private final ObjectMapper mapper;
    private final ExecutorService threads;
    private final AtomicLong waiting = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();

    /**
     * @param threads what exchanges go on with; as many at a time as exchanges go on just now, which whoever feeds the
     *     routes bounds
     */
    public AnswerWait(Hub hub, ObjectMapper mapper, ExecutorService threads) {
        this.hub = hub;
        this.mapper = mapper;
        this.threads = threads;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
        Asked asked = Asked.of(exchange);
        waiting.incrementAndGet();
        Waiting follower = new Waiting(asked, exchange, callback);
        hub.attach(follower, asked.caller());
        try {
            hub.follow(follower.key(), asked.id(), 0, asked.place());
        } catch (RuntimeException e) {
            follower.fail(e);
        }
        return false;
    }

    /** Exchanges that wait now. */
    public long waiting() {
        return waiting.get();
    }

    /** Exchanges that have had a whole answer so far. */
    public long answered() {
        return answered.get();
    }

    /** The exchange as a follower of its job. Folding an event never blocks. */
    private final class Waiting implements Connection {
        private final String key = "flux-generate-" + UUID.randomUUID();
        private final AtomicBoolean over = new AtomicBoolean();
        private final Answer answer = new Answer(mapper);
        private final Asked asked;
        private final Exchange exchange;
        private final AsyncCallback callback;

        Waiting(Asked asked, Exchange exchange, AsyncCallback callback) {
            this.asked = asked;
            this.exchange = exchange;
            this.callback = callback;
        }

        @Override
        public String key() {
            return key;
        }

        @Override
        public void send(String frame) {
            JsonNode last;
            synchronized (answer) {
                answer.add(frame);
                last = answer.last();
            }
            if (last != null) {
                end(() -> finish(last));
            }
        }

        private void finish(JsonNode last) {
            String reason = last.path("finish_reason").asText();
            if (last.path("type").asText().equals("error")) {
                exchange.setException(new Refusal(error(last)));
            } else if (reason.equals("cancelled") || reason.equals("deadline")) {
                exchange.setException(new Refusal(Event.Error.answer(
                        asked.id(),
                        reason,
                        reason.equals("deadline")
                                ? "the time of the job was over before its answer was whole"
                                : "the job was cancelled before its answer was whole",
                        null)));
            } else {
                asked.tell(exchange);
                exchange.getMessage().setHeader(FINISH_REASON, reason);
                tokens(PROMPT_TOKENS, last.at("/usage/prompt_tokens"));
                tokens(COMPLETION_TOKENS, last.at("/usage/completion_tokens"));
                exchange.getMessage().setBody(answer.text());
                answered.incrementAndGet();
            }
        }

        private void tokens(String header, JsonNode count) {
            if (count.isNumber()) {
                exchange.getMessage().setHeader(header, count.intValue());
            }
        }

        private Event.Error error(JsonNode last) {
            return Event.Error.answer(
                    asked.id(),
                    last.path("code").asText(),
                    last.path("error").asText(),
                    last.path("field").textValue());
        }

        void fail(Exception failure) {
            end(() -> exchange.setException(failure));
        }

        /** Lets the exchange go on, once. */
        private void end(Runnable outcome) {
            if (!over.compareAndSet(false, true)) {
                return;
            }
            waiting.decrementAndGet();
            try {
                threads.execute(() -> {
                    leave();
                    outcome.run();
                    callback.done(false);
                });
            } catch (RejectedExecutionException e) {
                try (var unused = JobLog.about(asked.id())) {
                    LOG.debug("the job is left to the next process: this one ends");
                }
            }
        }

        private void leave() {
            try {
                hub.detach(key);
            } catch (RuntimeException e) {
                // Nobody says any more that the job is followed here, which says it as well.
                try (var unused = JobLog.about(asked.id())) {
                    LOG.debug("the job could not be left: {}", e.getMessage());
                }
            }
        }

        @Override
        public boolean isBehind() {
            return false;
        }

        @Override
        public void whenCaughtUp(Runnable action) {
            action.run();
        }

        @Override
        public boolean ping() {
            return true;
        }

        @Override
        public void closed() {
            // it has ended, or the Hub says why
        }

        @Override
        public void close(int code, String reason) {
            fail(new Refusal(Event.Error.answer(
                    asked.id(), "unavailable", "this process does not wait for the answer any more: " + reason, null)));
        }
    }
}
