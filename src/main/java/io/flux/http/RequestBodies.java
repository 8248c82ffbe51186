package io.flux.http;

import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;

/** What becomes of the body of a request that was read whole. */
public final class RequestBodies {
    private RequestBodies() {}

    /**
     * The request's body is processed: it takes no memory any more, and no room from others, though the response may go on
     * for long. To be called on the request's event loop; harmless to repeat.
     */
    public static void processed(RoutingContext context) {
        ((RoutingContextInternal) context).setBody(null);
        if (context.request().connection() instanceof ConnectionBase connection) {
            ConnectionGuard guard = connection.channel().pipeline().get(ConnectionGuard.class);
            if (guard != null) {
                guard.processed();
            }
        }
    }
}
