package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.Locale;
import java.util.Set;

/**
 * Refuses requests that try to set Camel headers from outside. camel-vertx-websocket copies query parameters into
 * message headers, and components obey headers such as {@code CamelExecCommandExecutable}: without this guard
 * {@code /ws?CamelExecCommandExecutable=id} runs {@code id}.
 *
 * <p>Also refuses addresses that cannot be decoded, and keys there, whether they are needed or not: addresses end up in histories and in the logs of proxies.
 */
final class ParameterGuard implements Handler<RoutingContext> {

    private static final Set<String> KEYS = Set.of("key", "api_key", "apikey", "token", "access_token");

    @Override
    public void handle(RoutingContext context) {
        try {
            context.normalizedPath(); // decodes it; whoever asks for it later would fail
        } catch (IllegalArgumentException e) {
            context.fail(400, new HttpException(400, "the address cannot be decoded"));
            return;
        }
        try {
            // Decoded names: an encoded letter must not slip through.
            for (String name : context.queryParams().names()) {
                String lower = name.strip().toLowerCase(Locale.ROOT);
                if (isCamels(lower)) {
                    context.fail(400);
                    return;
                }
                if (KEYS.contains(lower)) {
                    context.fail(
                            400,
                            new HttpException(
                                    400,
                                    "the query must hold no " + lower
                                            + ": a key goes into the header Authorization: Bearer <key>"));
                    return;
                }
            }
        } catch (IllegalArgumentException e) {
            context.fail(400); // a query that cannot be decoded
            return;
        }
        context.next();
    }

    private static boolean isCamels(String lower) {
        return lower.startsWith("camel") || lower.startsWith("org.apache.camel");
    }
}
