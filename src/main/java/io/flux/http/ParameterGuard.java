package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.Locale;

/**
 * Refuses requests that try to set Camel headers from outside. camel-vertx-websocket copies query parameters into
 * message headers, and components obey headers such as {@code CamelExecCommandExecutable}: without this guard
 * {@code /ws?CamelExecCommandExecutable=id} runs {@code id}.
 */
final class ParameterGuard implements Handler<RoutingContext> {

    @Override
    public void handle(RoutingContext context) {
        boolean hostile;
        try {
            // Decoded names: an encoded letter must not slip through.
            hostile = context.queryParams().names().stream().anyMatch(ParameterGuard::isCamels);
        } catch (IllegalArgumentException e) {
            hostile = true; // a query that cannot be decoded
        }
        if (hostile) {
            context.fail(400);
        } else {
            context.next();
        }
    }

    private static boolean isCamels(String name) {
        String lower = name.strip().toLowerCase(Locale.ROOT);
        return lower.startsWith("camel") || lower.startsWith("org.apache.camel");
    }
}
