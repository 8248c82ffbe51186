package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.util.List;
import java.util.Set;

/**
 * Keeps pages of other sites out: a browser sends its page's origin with every WebSocket, whose handshake no
 * same-origin policy holds back. Clients that are no browser send none and pass, as do pages that this server served.
 */
final class OriginGuard implements Handler<RoutingContext> {
    private final Set<String> allowed;

    /**
     * @param allowed origins besides our own; {@code *} for all
     */
    OriginGuard(List<String> allowed) {
        this.allowed = Set.copyOf(allowed);
    }

    @Override
    public void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin == null || allowed.contains("*") || allowed.contains(origin) || isOurs(origin, request)) {
            context.next();
        } else {
            context.fail(403);
        }
    }

    private static boolean isOurs(String origin, HttpServerRequest request) {
        String host = request.getHeader(HttpHeaders.HOST);
        try {
            return host != null && host.equalsIgnoreCase(URI.create(origin).getAuthority());
        } catch (IllegalArgumentException e) {
            return false; // "null" and worse: some sandboxed page, not ours
        }
    }
}
