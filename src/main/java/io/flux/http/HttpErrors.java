package io.flux.http;

import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.openai.ApiError;
import io.netty.channel.unix.Errors;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.net.SocketException;
import java.util.Map;

/** The shape of every error that does not come from a route. */
final class HttpErrors {
    private static final int FIRST = -1000;

    private static final Map<Integer, String> CODES = Map.ofEntries(
            Map.entry(400, "invalid_request"),
            Map.entry(401, "unauthorized"),
            Map.entry(403, "forbidden"),
            Map.entry(404, "not_found"),
            Map.entry(405, "method_not_allowed"),
            Map.entry(406, "invalid_request"),
            Map.entry(413, "invalid_request"),
            Map.entry(415, "invalid_request"),
            Map.entry(416, "invalid_request"),
            Map.entry(417, "invalid_request"),
            Map.entry(421, "forbidden"),
            Map.entry(426, "invalid_request"),
            Map.entry(500, "internal_error"),
            Map.entry(503, "unavailable"));

    private HttpErrors() {}

    /** Has the router answer its errors so. */
    static void install(Router router) {
        router.route().order(FIRST).failureHandler(HttpErrors::unlessGone);
        CODES.keySet().forEach(status -> router.errorHandler(status, error(router, status)));
    }

    /** A client that leaves while its request is read is no failure of anybody's, and hears nothing any more. */
    private static void unlessGone(RoutingContext context) {
        Throwable failure = context.failure();
        if (!(failure instanceof HttpClosedException
                || failure instanceof SocketException
                || failure instanceof Errors.NativeIoException)) {
            context.next();
        }
    }

    /** The failure of a request that a guard refuses: status, and one sentence for its client. */
    static HttpException refusal(int status, String sentence) {
        return new HttpException(status, sentence);
    }

    /** Ends a request with an error. */
    static void answer(HttpServerRequest request, int status, String sentence) {
        HttpServerResponse response = request.response();
        if (response.headWritten() || response.ended() || response.closed()) {
            return;
        }
        response.setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .end(body(request.path(), status, sentence));
    }

    private static Handler<RoutingContext> error(Router router, int status) {
        return context -> {
            HttpServerRequest request = context.request();
            if (status == 401) {
                request.response().putHeader("WWW-Authenticate", "Bearer");
            }
            if (status == 405 && !request.response().headers().contains(HttpHeaders.ALLOW)) {
                request.response().putHeader(HttpHeaders.ALLOW, AllowedMethods.of(router, context.normalizedPath()));
            }
            if (status == 426) {
                request.response().putHeader(HttpHeaders.UPGRADE, "websocket");
            }
            String otherwise =
                    switch (status) {
                        case 400 -> "the query has a parameter that is not allowed";
                        case 403 -> "pages of this origin may not connect; FLUX_ALLOWED_ORIGINS lists those that may";
                        case 404 -> "there is nothing at " + Excerpt.of(request.path());
                        case 405 ->
                            "this path does not take "
                                    + Excerpt.of(request.method().name());
                        case 406 -> "this path does not answer in a form that the header Accept names";
                        case 413 -> "the message is too long; FLUX_MESSAGE_LIMIT says how long it may be";
                        case 415 -> "the body must be JSON, not a form with files";
                        case 416 -> "the file has no such range";
                        case 417 -> "the header Expect may be 100-continue, and nothing else";
                        case 426 -> "this path speaks WebSocket only";
                        case 500 -> "something went wrong in Flux";
                        default -> "not available now";
                    };
            answer(request, status, reason(context, otherwise));
        };
    }

    /** Clients of OpenAI's API look for an error where it has them. */
    static String body(String path, int status, String message) {
        String code = CODES.get(status);
        if (path != null && path.startsWith("/v1/") && !path.startsWith("/v1/jobs")) {
            return ApiError.of(Event.Error.answer(null, code, message, null), status)
                    .json()
                    .toString();
        }
        return new JsonObject()
                .put("type", "error")
                .put("code", code)
                .put("error", message)
                .encode();
    }

    /** What a guard says of it. */
    private static String reason(RoutingContext context, String otherwise) {
        return context.failure() instanceof HttpException refusal && refusal.getPayload() != null
                ? refusal.getPayload()
                : otherwise;
    }
}
