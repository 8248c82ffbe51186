package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.Locale;

/** Answers what is no handshake, on the path of a WebSocket, as other paths do: camel-vertx-websocket has a text of its own. */
final class HandshakeGuard implements Handler<RoutingContext> {
    private static final String ALLOWED = "GET, HEAD";
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int UPGRADE_REQUIRED = 426;

    @Override
    public void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
            context.response().putHeader(HttpHeaders.ALLOW, ALLOWED);
            context.fail(METHOD_NOT_ALLOWED);
        } else if (request.method().equals(HttpMethod.GET) && isUpgrade(request)) {
            context.next();
        } else {
            context.fail(UPGRADE_REQUIRED);
        }
    }

    private static boolean isUpgrade(HttpServerRequest request) {
        String connection = request.getHeader(HttpHeaders.CONNECTION);
        return connection != null
                && connection.toLowerCase(Locale.ROOT).contains("upgrade")
                && "websocket".equalsIgnoreCase(request.getHeader(HttpHeaders.UPGRADE));
    }
}
