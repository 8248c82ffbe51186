package io.flux;

import io.flux.gateway.Hub;
import io.flux.http.HttpServing;
import io.flux.worker.Slots;
import io.vertx.core.Vertx;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.spring.boot.CamelContextConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * What happens, and in which order, between "the routes are up" and "ready", and between "stop" and gone: the port opens
 * last; sockets are told first and closed when the routes have finished what they had begun.
 */
@Configuration(proxyBeanMethods = false)
class Lifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    @Bean
    CamelContextConfiguration readiness(
            ObjectProvider<HttpServing> http, ObjectProvider<Slots> slots, FluxProperties flux) {
        return new CamelContextConfiguration() {
            @Override
            public void beforeApplicationStart(CamelContext camel) {
                // nothing to do: routes and beans bring what they need
            }

            @Override
            public void afterApplicationStart(CamelContext camel) {
                http.getObject().listen();
                if (flux.gateway()) {
                    LOG.info("Flux gateway ready at {}", http.getObject().address());
                } else {
                    LOG.info("Health and metrics at {}", http.getObject().address());
                }
                slots.ifAvailable(worker -> {
                    if (worker.open()) {
                        LOG.info(
                                "Flux worker ready: model {}, engine {}, slots {}",
                                flux.model(),
                                flux.engine(),
                                flux.slots());
                    }
                });
            }
        };
    }

    /** Closes what clients hold, after Camel has stopped. */
    @Bean(destroyMethod = "close")
    Ending ending(ObjectProvider<Hub> hub, HttpServing http, Vertx vertx) {
        return new Ending(hub.getIfAvailable(), http, vertx);
    }

    /** The end of the process's network side. */
    record Ending(Hub hub, HttpServing http, Vertx vertx) implements AutoCloseable {
        @Override
        public void close() throws InterruptedException, ExecutionException, TimeoutException {
            if (hub != null) {
                hub.close();
            }
            http.close();
            vertx.close();
        }
    }
}
