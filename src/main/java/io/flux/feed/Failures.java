package io.flux.feed;

import io.flux.job.Event;
import io.flux.job.Refusal;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.apache.camel.component.kamelet.KameletConsumerNotAvailableException;
import org.springframework.dao.DataAccessException;

/** What a connector does about a failure: try again, or say why not. Thread-safe. */
public final class Failures {
    private static final Set<String> FOR_NOW = Set.of("overloaded", "rate_limited", "too_many_jobs", "unavailable");

    /**
     * Whether the same message may be taken a little later: Flux has no room now, its Redis cannot be reached, or a route
     * that takes part is stopped or being replaced.
     */
    public boolean isForNow(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        if (refusal == null) {
            return find(DataAccessException.class, failure) != null
                    || find(DirectConsumerNotAvailableException.class, failure) != null
                    || find(KameletConsumerNotAvailableException.class, failure) != null
                    || find(RejectedExecutionException.class, failure) != null;
        }
        return FOR_NOW.contains(refusal.event().code()) || hasVanished(refusal.event());
    }

    /**
     * Whether the message is to be put aside with its reason: it would fail again.
     *
     * @param answered whether its answer has come: then it is the answer that could not be stored; null for no
     */
    public boolean isForGood(Throwable failure, Boolean answered) {
        return answered == null && !isForNow(failure);
    }

    /** The job was there and is not any more: Redis came back without it. Asking anew makes it anew. */
    private static boolean hasVanished(Event.Error error) {
        return error.code().equals("not_found") && "request_id".equals(error.field());
    }

    /** The failure's name, as in an error event. */
    public String code(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        return refusal == null ? "internal_error" : refusal.event().code();
    }

    /** What may be said of it: a refusal's own words. */
    public String reason(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        return refusal == null
                ? "something went wrong in Flux; its log says what"
                : refusal.event().error();
    }

    /** Camel wraps what a bean throws inside an expression. */
    private static <T extends Throwable> T find(Class<T> type, Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }
}
