package io.flux.gateway;

import io.flux.access.Callers;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Endpoint;
import org.apache.camel.support.DefaultComponent;

/**
 * {@code http-door:METHOD:/path/{parameter}}: a route that begins with an HTTP request whose answer may take its time. The
 * body is the request's body, as bytes; the variable {@code caller} says who asks. Of everything else only what the
 * endpoint's options list becomes a header: nothing that a client wrote is obeyed by a component.
 *
 * <p>{@code GET} without an {@code answer} also takes {@code HEAD}, whose answer has the same head and no body.
 *
 * <p>Without an {@code answer} the exchange's message is the answer when the route is through. With
 * one the response stays open, as the connection that the variable {@code connection} names in the {@link Hub}: it is
 * written event by event, holds no thread, and ends after the job's last event.
 */
public final class HttpDoorComponent extends DefaultComponent {
    private static final Pattern ADDRESS = Pattern.compile("([a-zA-Z]+):(/.*)");
    private static final Pattern PARAMETER = Pattern.compile("\\{([^/}]+)}");

    private final Router router;
    private final List<Handler<RoutingContext>> bodies;
    private final Supplier<Hub> hub;
    private final Callers callers;

    /**
     * @param bodies read a request's body, up to the bound of a message
     * @param hub asked for by routes with an {@code answer} only: a process without the gateway bundle has none
     */
    public HttpDoorComponent(Router router, List<Handler<RoutingContext>> bodies, Supplier<Hub> hub, Callers callers) {
        this.router = router;
        this.bodies = bodies;
        this.hub = hub;
        this.callers = callers;
    }

    @Override
    protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters) throws Exception {
        Matcher address = ADDRESS.matcher(remaining);
        if (!address.matches()) {
            throw new IllegalArgumentException("http-door needs METHOD:/path, not " + remaining);
        }
        HttpDoorEndpoint endpoint = new HttpDoorEndpoint(
                uri,
                this,
                HttpMethod.valueOf(address.group(1).toUpperCase(Locale.ROOT)),
                PARAMETER.matcher(address.group(2)).replaceAll(":$1"));
        setProperties(endpoint, parameters);
        return endpoint;
    }

    Router router() {
        return router;
    }

    List<Handler<RoutingContext>> bodies() {
        return bodies;
    }

    Hub hub() {
        return hub.get();
    }

    Callers callers() {
        return callers;
    }
}
