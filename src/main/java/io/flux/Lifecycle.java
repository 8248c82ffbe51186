package io.flux;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.flux.gateway.Hub;
import io.flux.http.HttpServing;
import io.flux.model.ModelDirectory;
import io.flux.worker.Drain;
import io.flux.worker.Slots;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.dao.DataAccessException;

/**
 * What happens, and in which order, between "the routes are up" and "ready", and between "stop" and gone: the port opens
 * last, when this process has read which models there are; a worker says that it is ready when its models are announced. At the
 * end a worker finishes its jobs first, then the routes stop, then sockets are told to come back elsewhere.
 */
@Configuration(proxyBeanMethods = false)
class Lifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

    /** Runs when the routes are up. A failure here ends the process. */
    @Bean
    ApplicationRunner opening(
            HttpServing http,
            ModelDirectory models,
            ObjectProvider<Slots> slots,
            ObjectProvider<RouteReload> reload,
            FluxProperties flux) {
        return arguments -> {
            // The channels are subscribed to by now: their listeners wait until Redis has confirmed that.
            if (flux.gateway()) {
                models.refresh();
            }
            http.listen();
            if (flux.gateway()) {
                LOG.info("Flux gateway ready at {}", http.address());
            } else {
                LOG.info("Health and metrics at {}", http.address());
            }
            slots.ifAvailable(worker -> {
                worker.open();
                announce(models);
            });
            reload.ifAvailable(routes -> watchRoutes(routes, flux));
        };
    }

    /** So that a worker whose engines need no start is ready when this has run. */
    private static void announce(ModelDirectory models) {
        try {
            models.announce();
        } catch (DataAccessException | JsonProcessingException e) {
            LOG.warn("The models cannot be announced, which is tried again: {}", e.getMessage());
        }
    }

    /** Where saved route files take effect. */
    @Bean
    @ConditionalOnProperty("flux.routes-reload")
    RouteReload routeReload(CamelContext camel, ObjectProvider<Slots> slots, BeanFactory beans, FluxProperties flux) {
        return new RouteReload(camel, routes(flux), slots, new RouteFileCheck(camel, beans));
    }

    private static void watchRoutes(RouteReload reload, FluxProperties flux) {
        Path folder = routes(flux);
        try {
            reload.watch(FluxProperties.withCommon(flux.bundles()));
        } catch (Exception e) {
            throw new IllegalStateException("the routes in " + folder + " cannot be watched", e);
        }
        LOG.info("Watching {}: a saved route is live", folder);
    }

    private static Path routes(FluxProperties flux) {
        return Path.of(flux.routes()).toAbsolutePath().normalize();
    }

    /** Lets a worker finish what it has begun, while everything else runs still. */
    @Bean
    ApplicationListener<ContextClosedEvent> draining(ObjectProvider<Drain> drain) {
        return closed -> drain.ifAvailable(worker -> {
            try {
                worker.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Closes what clients hold, after Camel has stopped. */
    @Bean(destroyMethod = "close")
    Ending ending(ObjectProvider<Hub> hub, HttpServing http) {
        return new Ending(hub.getIfAvailable(), http);
    }

    /** The end of the process's network side. */
    record Ending(Hub hub, HttpServing http) implements AutoCloseable {
        @Override
        public void close() throws InterruptedException, ExecutionException, TimeoutException {
            if (hub != null) {
                hub.close();
            }
            http.close();
        }
    }
}
