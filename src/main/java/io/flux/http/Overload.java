package io.flux.http;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.impl.VertxInternal;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;

/**
 * Rejects requests with 503 while too many wait for a worker thread: all threads wait for Redis then, and each request
 * more would take memory to be answered late. Liveness waits for none of them.
 */
final class Overload implements Handler<RoutingContext> {
    /** Requests that wait; without trouble they are served within a fraction of a second. */
    static final int WAITING = 1000;

    private final ThreadPoolExecutor workers;

    Overload(Vertx vertx) {
        ExecutorService executor =
                ((VertxInternal) vertx).getOrCreateContext().workerPool().executor();
        this.workers = executor instanceof ThreadPoolExecutor pool ? pool : null;
    }

    @Override
    public void handle(RoutingContext context) {
        if (workers == null || workers.getQueue().size() < WAITING || Liveness.PATH.equals(context.normalizedPath())) {
            context.next();
            return;
        }
        context.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        context.fail(503, new HttpException(503, "too many requests wait to be processed; try again later"));
    }
}
