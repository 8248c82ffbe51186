package io.flux.http;

import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.auth.User;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.camel.component.vertx.websocket.VertxWebsocketComponent;
import org.apache.camel.component.vertx.websocket.VertxWebsocketConsumer;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHost;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHostConfiguration;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHostKey;
import org.apache.camel.spi.annotations.Component;

/**
 * camel-vertx-websocket on a server that others own. The stock component starts an HTTP server for each host and port
 * and closes it, with every socket, when its route stops. Here it adds its path to the router of {@link HttpServing},
 * which also carries the REST routes, listens when all routes are up, and outlives a reload of the door, as do the sockets.
 *
 * <p>Camel finds a component's generated option setters by this annotation, which is not inherited.
 */
@Component("vertx-websocket")
public final class SharedServerWebSocketComponent extends VertxWebsocketComponent {
    private final Opening opening;

    /** The consumer of the door's route as it is loaded now; sockets were opened under it or an earlier one. */
    private final AtomicReference<VertxWebsocketConsumer> current = new AtomicReference<>();

    /** Told of each socket before anything is read from it, on its event loop. */
    public interface Opening {
        /**
         * @param key what the component calls the socket
         * @param user what the key check has found out; null for nothing
         */
        void opened(String key, ServerWebSocket socket, User user);
    }

    SharedServerWebSocketComponent(Opening opening) {
        this.opening = opening;
    }

    @Override
    protected VertxWebsocketHost createVertxWebsocketHost(
            VertxWebsocketHostConfiguration configuration, VertxWebsocketHostKey key) {
        return new VertxWebsocketHost(getCamelContext(), configuration, key) {
            private final Map<String, Route> handshakes = new ConcurrentHashMap<>();

            @Override
            public void connect(VertxWebsocketConsumer consumer) {
                current.set(consumer);
                String path = consumer.getEndpoint()
                        .getConfiguration()
                        .getWebsocketURI()
                        .getPath();
                // Before the route that the component adds.
                handshakes.put(path, getRouter().route(path).handler(new HandshakeGuard()));
                super.connect(new Forwarding(consumer, current::get, opening));
            }

            @Override
            public void disconnect(String path) {
                Route handshake = handshakes.remove(path);
                if (handshake != null) {
                    handshake.remove();
                }
                super.disconnect(path);
            }

            @Override
            public void start() {
                // HttpServing listens
            }

            @Override
            public void stop() {
                // HttpServing closes
            }
        };
    }

    /** What a socket's handlers hold on to: passes everything to the consumer that is loaded when it happens. */
    private static final class Forwarding extends VertxWebsocketConsumer {
        private final Supplier<VertxWebsocketConsumer> loaded;
        private final Opening opening;

        Forwarding(VertxWebsocketConsumer first, Supplier<VertxWebsocketConsumer> loaded, Opening opening) {
            super(first.getEndpoint(), first.getProcessor());
            this.loaded = loaded;
            this.opening = opening;
        }

        @Override
        public void onMessage(String key, Object message, SocketAddress remote, RoutingContext context) {
            loaded.get().onMessage(key, message, remote, context);
        }

        @Override
        public void onException(String key, Throwable cause, SocketAddress remote, RoutingContext context) {
            loaded.get().onException(key, cause, remote, context);
        }

        @Override
        public void onOpen(String key, SocketAddress remote, RoutingContext context, ServerWebSocket socket) {
            opening.opened(key, socket, context.user());
        }

        @Override
        public void onClose(String key, SocketAddress remote, RoutingContext context) {
            loaded.get().onClose(key, remote, context);
        }
    }
}
