package io.flux.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * Serves the API's documents with the one bound in them that is configured: the largest {@code max_tokens} that a model here
 * takes. A client that is made from a document, or a fuzzer, then keeps to it. Thread-safe.
 */
final class ApiDocuments {
    private static final List<String> NAMES = List.of("openapi.json", "asyncapi.json");
    private static final Pattern BOUND = Pattern.compile(
            "(\"max_(?:completion_)?tokens\": \\{\\s*\"type\": \\[\"integer\", \"null\"],\\s*\"minimum\": 1,\\s*\"maximum\": )\\d+");

    private final Map<String, String> texts;
    private final LongSupplier maxTokens;
    private final Map<String, Served> served = new ConcurrentHashMap<>();

    /** A document with a bound in it. */
    private record Served(long maxTokens, String text) {}

    private ApiDocuments(Map<String, String> texts, LongSupplier maxTokens) {
        this.texts = texts;
        this.maxTokens = maxTokens;
    }

    /**
     * Answers the documents' paths.
     *
     * @param order the place among the router's routes
     * @param maxTokens the largest max_tokens that a request may have now; must not block
     */
    static void serve(Router router, int order, LongSupplier maxTokens) {
        Map<String, String> texts = new ConcurrentHashMap<>();
        NAMES.forEach(name -> texts.put("/" + name, read("web/" + name)));
        ApiDocuments documents = new ApiDocuments(texts, maxTokens);
        texts.keySet().forEach(path -> router.route(path)
                .method(HttpMethod.GET)
                .method(HttpMethod.HEAD)
                .order(order)
                .handler(documents::answer));
    }

    private static String read(String resource) {
        try (InputStream in = ApiDocuments.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not in the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answer(RoutingContext context) {
        Buffer text = Buffer.buffer(text(context.normalizedPath()));
        context.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(text.length()))
                .end(context.request().method() == HttpMethod.HEAD ? Buffer.buffer() : text);
    }

    private String text(String path) {
        long bound = maxTokens.getAsLong();
        return served.compute(
                        path,
                        (key, before) -> before != null && before.maxTokens() == bound
                                ? before
                                : new Served(
                                        bound, BOUND.matcher(texts.get(key)).replaceAll("$1" + bound)))
                .text();
    }
}
