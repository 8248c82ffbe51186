package io.flux.gateway;

import io.flux.access.Caller;
import io.flux.http.RequestBodies;
import io.flux.job.TraceContext;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.support.DefaultConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes an exchange of each request. Its steps may block, so that they run on Vert.x's worker threads. */
final class HttpDoorConsumer extends DefaultConsumer {
    private static final Logger LOG = LoggerFactory.getLogger(HttpDoorConsumer.class);
    /** What a route may say about its answer. */
    private static final List<String> REPLY_HEADERS = List.of("Content-Type", "Location", "Retry-After");

    private final HttpDoorEndpoint endpoint;
    private Route route;
    private ProducerTemplate leaving;

    HttpDoorConsumer(HttpDoorEndpoint endpoint, Processor processor) {
        super(endpoint, processor);
        this.endpoint = endpoint;
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        leaving = endpoint.getCamelContext().createProducerTemplate();
        route = endpoint.door().router().route(endpoint.method(), endpoint.path());
        if (endpoint.method().equals(HttpMethod.GET) && endpoint.answer() == null) {
            route.method(HttpMethod.HEAD);
        }
        endpoint.produces().forEach(route::produces);
        endpoint.door().bodies().forEach(route::handler);
        route.handler(this::handle);
    }

    /** A door closes for new requests only: answers that are being written belong to the {@link Hub}. */
    @Override
    protected void doStop() throws Exception {
        route.remove();
        leaving.stop();
        super.doStop();
    }

    private void handle(RoutingContext context) {
        Exchange exchange = createExchange(false);
        Message message = exchange.getMessage();
        byte[] body = context.body().buffer() == null
                ? new byte[0]
                : context.body().buffer().getBytes();
        message.setBody(body);
        context.pathParams().forEach((name, value) -> message.setHeader(name, Verbatim.of(value)));
        copy(endpoint.headers(), name -> context.request().getHeader(name), message);
        copy(endpoint.query(), name -> context.queryParams().get(name), message);
        Caller caller = endpoint.open() ? null : endpoint.door().callers().of(context.user());
        if (caller != null) {
            exchange.setVariable("caller", caller);
        }
        exchange.setVariable(
                "trace",
                TraceContext.of(
                        context.request().getHeader("traceparent"),
                        context.request().getHeader("tracestate")));
        if (endpoint.answer() != null) {
            exchange.setVariable("connection", open(context, caller));
        }
        context.vertx()
                .executeBlocking(
                        () -> {
                            createUoW(exchange);
                            getProcessor().process(exchange);
                            return null;
                        },
                        false)
                .onComplete(processed -> {
                    try {
                        if (processed.failed() || exchange.getException() != null) {
                            fail(context, processed.failed() ? processed.cause() : exchange.getException());
                        } else if (endpoint.answer() == null) {
                            reply(context, exchange.getMessage());
                        }
                    } finally {
                        RequestBodies.processed(context);
                        doneUoW(exchange);
                        releaseExchange(exchange, false);
                    }
                });
    }

    private static void copy(List<String> names, UnaryOperator<String> source, Message message) {
        for (String name : names) {
            String value = source.apply(name);
            if (value != null) {
                message.setHeader(name, Verbatim.of(value));
            }
        }
    }

    private String open(RoutingContext context, Caller caller) {
        HttpServerResponse response = context.response();
        String key = UUID.randomUUID().toString();
        endpoint.door().hub().attach(key, response, endpoint.answer().get(), caller);
        AtomicBoolean left = new AtomicBoolean();
        Runnable leave = () -> {
            if (left.compareAndSet(false, true)) {
                leave(context, key);
            }
        };
        response.endHandler(ended -> leave.run());
        response.closeHandler(closed -> leave.run());
        if (response.closed()) {
            leave.run(); // while its body was read
        }
        return key;
    }

    private void leave(RoutingContext context, String key) {
        context.vertx()
                .executeBlocking(
                        () -> {
                            leaving.send(endpoint.leave(), exchange -> exchange.setVariable("connection", key));
                            return null;
                        },
                        false)
                .onFailure(e -> LOG.error("the end of a connection could not be handled", e));
    }

    /** Errors have their routes' configurations: what comes here has none. */
    private void fail(RoutingContext context, Throwable cause) {
        LOG.error("{} {} failed", endpoint.method(), endpoint.path(), cause);
        context.fail(500);
    }

    private void reply(RoutingContext context, Message message) {
        HttpServerResponse response = context.response();
        response.setStatusCode(message.getHeader(Exchange.HTTP_RESPONSE_CODE, 200, Integer.class));
        if (!endpoint.produces().isEmpty()) {
            response.putHeader(HttpHeaders.CONTENT_TYPE, endpoint.produces().get(0));
        }
        for (String name : REPLY_HEADERS) {
            String value = message.getHeader(name, String.class);
            if (value != null) {
                response.putHeader(name, value);
            }
        }
        Buffer body = body(message);
        if (context.request().method().equals(HttpMethod.HEAD)
                && endpoint.method().equals(HttpMethod.GET)) {
            // Vert.x leaves the body out, and its length too.
            response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
        }
        response.end(body);
    }

    private static Buffer body(Message message) {
        Object body = message.getBody();
        if (body instanceof byte[] bytes) {
            return Buffer.buffer(bytes);
        }
        return body == null ? Buffer.buffer() : Buffer.buffer(message.getBody(String.class));
    }
}
