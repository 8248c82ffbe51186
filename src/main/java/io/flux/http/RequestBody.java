package io.flux.http;

import io.flux.job.Excerpt;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Reads the body of a request, which is JSON whatever its {@code Content-Type} says: {@code curl -d} says that it is a
 * form, and decoded as one it would be held to the bounds of forms. A compressed body is inflated, and is as long as a
 * message may be, before and after. Thread-safe.
 */
public final class RequestBody {
    private static final String FORM = "application/x-www-form-urlencoded";

    private static final Set<HttpMethod> TAKING = Set.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH);

    private static final int BAD_REQUEST = 400;
    private static final int TOO_LARGE = 413;
    private static final int UNSUPPORTED_MEDIA_TYPE = 415;

    private final int limit;
    private final Handler<RoutingContext> reader;

    /** @param limit the longest body, bytes */
    RequestBody(int limit) {
        this.limit = limit;
        this.reader = BodyHandler.create(false).setBodyLimit(limit);
    }

    /** What a route does with a request before its body is there as {@code context.body()}, in this order. */
    public List<Handler<RoutingContext>> steps() {
        return List.of(this::read, this::inflate);
    }

    private void read(RoutingContext context) {
        MultiMap headers = context.request().headers();
        if (!TAKING.contains(context.request().method())) {
            // What is said of a body that is not looked at changes nothing.
            headers.remove(HttpHeaders.CONTENT_TYPE).remove(HttpHeaders.CONTENT_ENCODING);
        }
        String type = headers.get(HttpHeaders.CONTENT_TYPE);
        if (type != null && type.strip().toLowerCase(Locale.ROOT).startsWith("multipart/")) {
            context.fail(UNSUPPORTED_MEDIA_TYPE);
            return;
        }
        List<String> encodings = encodings(headers);
        if (encodings.size() > 1 || encodings.stream().anyMatch(encoding -> Inflation.of(encoding) == null)) {
            context.fail(
                    UNSUPPORTED_MEDIA_TYPE,
                    HttpErrors.refusal(
                            UNSUPPORTED_MEDIA_TYPE,
                            "Content-Encoding " + Excerpt.of(String.join(", ", encodings))
                                    + " is not supported: gzip, deflate or none"));
            return;
        }
        if (type != null && type.toLowerCase(Locale.ROOT).contains(FORM)) {
            headers.remove(HttpHeaders.CONTENT_TYPE); // the reader would decode it
        }
        reader.handle(context);
    }

    private static List<String> encodings(MultiMap headers) {
        List<String> encodings = new ArrayList<>();
        for (String line : headers.getAll(HttpHeaders.CONTENT_ENCODING)) {
            for (String encoding : line.split(",")) {
                String name = encoding.strip().toLowerCase(Locale.ROOT);
                if (!name.isEmpty() && !name.equals("identity")) {
                    encodings.add(name);
                }
            }
        }
        return encodings;
    }

    private void inflate(RoutingContext context) {
        List<String> encodings = encodings(context.request().headers());
        Buffer body = context.body().buffer();
        if (encodings.isEmpty() || body == null || body.length() == 0) {
            context.next();
            return;
        }
        byte[] inflated;
        try {
            inflated = Inflation.of(encodings.get(0)).inflate(body.getBytes(), limit);
        } catch (IOException e) {
            context.fail(
                    BAD_REQUEST,
                    HttpErrors.refusal(BAD_REQUEST, "the body is not what Content-Encoding says: " + encodings.get(0)));
            return;
        }
        if (inflated.length > limit) {
            context.fail(TOO_LARGE);
            return;
        }
        ((RoutingContextInternal) context).setBody(Buffer.buffer(inflated));
        context.next();
    }
}
