package io.flux.http;

import io.flux.access.Caller;
import io.flux.access.Callers;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Lets in who has a key: as {@code Authorization: Bearer <key>}, or, since a browser's WebSocket cannot send that, as the
 * subprotocol {@code flux.key.<key>} beside {@code flux.v1}. The key goes no further than here: what comes after finds the
 * caller with the request, and no key that it could log or send on.
 */
final class KeyGuard implements Handler<RoutingContext> {
    private static final String BEARER = "bearer ";
    private static final String PROTOCOLS = "Sec-WebSocket-Protocol";
    private static final String PROTOCOL = "flux.key.";

    private final Function<String, Caller> keys;
    private final Predicate<String> open;

    /**
     * @param keys whom a key lets in; null for nobody
     * @param open whether a path, normalised, needs no key
     */
    KeyGuard(Function<String, Caller> keys, Predicate<String> open) {
        this.keys = keys;
        this.open = open;
    }

    @Override
    public void handle(RoutingContext context) {
        String key = take(context.request().headers());
        Caller caller = key == null ? null : keys.apply(key);
        if (caller != null) {
            context.setUser(Callers.user(caller));
            context.next();
        } else if (open.test(context.normalizedPath())) {
            context.next();
        } else {
            context.fail(
                    401,
                    new HttpException(
                            401,
                            key == null
                                    ? "a key is needed, as the header Authorization: Bearer <key>"
                                    : "this key is not known"));
        }
    }

    /** Takes the key out of the headers; null when there is none. */
    private static String take(MultiMap headers) {
        String key = null;
        List<String> others = new ArrayList<>();
        for (String line : headers.getAll(PROTOCOLS)) {
            for (String protocol : line.split(",")) {
                String name = protocol.strip();
                if (name.startsWith(PROTOCOL)) {
                    key = name.substring(PROTOCOL.length());
                } else {
                    others.add(name);
                }
            }
        }
        if (key != null) {
            headers.remove(PROTOCOLS);
            if (!others.isEmpty()) {
                headers.set(PROTOCOLS, String.join(", ", others));
            }
        }
        String authorization = headers.get(HttpHeaders.AUTHORIZATION);
        headers.remove(HttpHeaders.AUTHORIZATION);
        if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            key = authorization.substring(BEARER.length()).strip();
        }
        return key;
    }
}
