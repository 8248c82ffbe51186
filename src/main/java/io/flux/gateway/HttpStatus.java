package io.flux.gateway;

/** The HTTP statuses of errors, and what goes with them. */
public final class HttpStatus {
    private static final long MILLIS = 1000;

    private HttpStatus() {}

    /** The status that goes with an error's code; 500 for what is nobody's but Flux's. */
    public static int of(String code) {
        return switch (code) {
            case "invalid_request", "prompt_too_long" -> 400;
            case "unauthorized" -> 401;
            case "forbidden" -> 403;
            case "not_found" -> 404;
            case "conflict", "already_finished" -> 409;
            case "overloaded", "rate_limited", "too_many_jobs" -> 429;
            case "unavailable" -> 503;
            default -> 500;
        };
    }

    /** {@code Retry-After}: whole seconds, the next larger number, so that nobody comes too early. */
    public static String retryAfter(long millis) {
        return Long.toString(Math.max(1, (millis + MILLIS - 1) / MILLIS));
    }
}
