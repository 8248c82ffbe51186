package io.flux.e2e;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;

/** A collector of traces that speaks OTLP over HTTP, and an engine that speaks OpenAI's API and notes the trace it gets. */
final class Collector implements AutoCloseable {
    private final HttpServer server;
    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final List<String> traceparents = new CopyOnWriteArrayList<>();
    private volatile boolean broken;
    private volatile int refused;

    Collector() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "collector");
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/v1/traces", this::collect);
        server.createContext("/engine/v1/chat/completions", this::answer);
        server.createContext("/", exchange -> reply(exchange, 200, "{}"));
        server.start();
    }

    private void collect(HttpExchange exchange) throws IOException {
        boolean zipped = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
        try (InputStream body = zipped ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody()) {
            ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(body);
            if (broken) {
                refused++;
                reply(exchange, 500, "");
                return;
            }
            for (ResourceSpans resource : request.getResourceSpansList()) {
                for (ScopeSpans scope : resource.getScopeSpansList()) {
                    spans.addAll(scope.getSpansList());
                }
            }
        }
        reply(exchange, 200, "");
    }

    private void answer(HttpExchange exchange) throws IOException {
        traceparents.add(exchange.getRequestHeaders().getFirst("traceparent"));
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
        reply(
                exchange,
                200,
                """
                data: {"choices":[{"index":0,"delta":{"content":"Salt"}}]}

                data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

                data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}

                data: [DONE]

                """);
    }

    private static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    /** What {@code OTEL_EXPORTER_OTLP_ENDPOINT} must name. */
    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The address of the engine. */
    String engine() {
        return address() + "/engine/v1";
    }

    /** From here on spans are refused, or taken again. */
    void breakDown(boolean down) {
        broken = down;
    }

    /** How often spans were refused. */
    int refused() {
        return refused;
    }

    /** What the engine was told of traces, in order. */
    List<String> traceparents() {
        return traceparents;
    }

    /** The spans of a trace that have come so far. */
    List<Span> trace(String traceId) {
        return spans.stream()
                .filter(span -> hex(span.getTraceId()).equals(traceId))
                .toList();
    }

    /** All spans that have come so far. */
    List<Span> spans() {
        return spans;
    }

    static String hex(com.google.protobuf.ByteString id) {
        return HexFormat.of().formatHex(id.toByteArray());
    }

    /** An attribute as text; empty when the span has none of that name. */
    static String attribute(Span span, String name) {
        for (KeyValue attribute : span.getAttributesList()) {
            if (attribute.getKey().equals(name)) {
                return switch (attribute.getValue().getValueCase()) {
                    case INT_VALUE -> Long.toString(attribute.getValue().getIntValue());
                    case ARRAY_VALUE ->
                        attribute.getValue().getArrayValue().getValues(0).getStringValue();
                    default -> attribute.getValue().getStringValue();
                };
            }
        }
        return "";
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
