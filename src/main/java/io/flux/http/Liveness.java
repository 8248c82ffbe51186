package io.flux.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.observe.Health;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Supplier;

/**
 * {@code GET /health/live}, on the event loop: it is answered whatever the worker threads wait for. All of them wait when
 * Redis does not answer, and a restart of the process would not change that.
 */
final class Liveness implements Handler<RoutingContext> {
    static final String PATH = "/health/live";

    private final Supplier<Health.Report> life;
    private final ObjectMapper mapper = new ObjectMapper();

    /** @param life does not block */
    Liveness(Supplier<Health.Report> life) {
        this.life = life;
    }

    @Override
    public void handle(RoutingContext context) {
        Health.Report report = life.get();
        try {
            context.response()
                    .setStatusCode(report.httpStatus())
                    .putHeader("Content-Type", "application/json")
                    .end(mapper.writeValueAsString(report));
        } catch (JsonProcessingException e) {
            context.fail(e);
        }
    }
}
