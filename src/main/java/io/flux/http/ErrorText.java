package io.flux.http;

import io.flux.job.Event;
import io.flux.openai.ApiError;
import io.vertx.core.json.JsonObject;

/** The JSON of an error that a request gets before it reaches a route. */
final class ErrorText {
    private ErrorText() {}

    /**
     * In the form that clients of the path's API know.
     *
     * @param path null when it is not known
     * @param retryAfterMs null when trying again does not help
     */
    static String of(String path, int status, String code, String message, Long retryAfterMs) {
        if (path != null && path.startsWith("/v1/") && !path.startsWith("/v1/jobs")) {
            return ApiError.of(Event.Error.answer(null, code, message, null), status)
                    .json()
                    .toString();
        }
        JsonObject error =
                new JsonObject().put("type", "error").put("code", code).put("error", message);
        return (retryAfterMs == null ? error : error.put("retry_after_ms", retryAfterMs)).encode();
    }
}
