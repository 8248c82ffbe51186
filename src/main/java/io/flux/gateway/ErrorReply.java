package io.flux.gateway;

import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.Refusal;
import io.flux.ledger.RefusedWrites;
import io.flux.log.JobLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/** What a client is told when its message could not be done. Thread-safe. */
public final class ErrorReply {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorReply.class);

    private static final long RETRY_AFTER_MS = 1000;

    private final EventJson json;

    public ErrorReply(EventJson json) {
        this.json = json;
    }

    /**
     * The error event for a failure: a refusal's own words; for anything else, what a client may know of it.
     *
     * @param requestId the job that the message was about; null when that is not known
     */
    public String frame(Throwable failure, String requestId) {
        Refusal refusal = find(Refusal.class, failure);
        if (refusal != null) {
            return json.write(refusal.event());
        }
        String refused = RefusedWrites.reason(failure);
        if (refused != null) {
            // The log says it once, and not for each request.
            return json.write(
                    new Event.Error(requestId, null, "unavailable", takesNone(refused), null, RETRY_AFTER_MS));
        }
        if (find(DataAccessException.class, failure) != null) {
            try (var unused = JobLog.about(requestId)) {
                LOG.error("Redis did not answer: {}", failure.getMessage());
            }
            return json.write(new Event.Error(
                    requestId,
                    null,
                    "unavailable",
                    "the queue cannot be reached now; try again later",
                    null,
                    RETRY_AFTER_MS));
        }
        try (var unused = JobLog.about(requestId)) {
            LOG.error("a message could not be handled", failure);
        }
        return json.write(Event.Error.answer(requestId, "internal_error", "something went wrong in Flux", null));
    }

    /** The error for a request that cannot be answered now, for the reason that there is. */
    public String unavailable(Throwable failure) {
        String refused = RefusedWrites.reason(failure);
        String message = refused != null
                ? takesNone(refused)
                : find(DataAccessException.class, failure) != null
                        ? "the queue cannot be reached now; try again later"
                        : "not available now; the log says why";
        return json.write(new Event.Error(null, null, "unavailable", message, null, RETRY_AFTER_MS));
    }

    private static String takesNone(String reason) {
        return "nothing can be changed in the queue now: " + reason + "; try again later";
    }

    /** The code in {@link #frame}. */
    String code(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        if (refusal != null) {
            return refusal.event().code();
        }
        return find(DataAccessException.class, failure) == null ? "internal_error" : "unavailable";
    }

    /** The HTTP status that goes with {@link #frame}. */
    public int httpStatus(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        if (refusal == null) {
            return find(DataAccessException.class, failure) == null ? 500 : 503;
        }
        return HttpStatus.of(refusal.event().code());
    }

    /** Seconds after which to try again, for HTTP; null when that is not known. */
    public String retryAfter(Throwable failure) {
        Refusal refusal = find(Refusal.class, failure);
        Long millis =
                refusal == null ? Long.valueOf(RETRY_AFTER_MS) : refusal.event().retryAfterMs();
        return millis == null ? null : HttpStatus.retryAfter(millis);
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
