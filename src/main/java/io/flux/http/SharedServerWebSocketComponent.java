package io.flux.http;

import io.vertx.core.Future;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.auth.User;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.component.vertx.websocket.VertxWebsocketComponent;
import org.apache.camel.component.vertx.websocket.VertxWebsocketConstants;
import org.apache.camel.component.vertx.websocket.VertxWebsocketConsumer;
import org.apache.camel.component.vertx.websocket.VertxWebsocketEvent;
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
    private final InputBudget budget;

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

    SharedServerWebSocketComponent(Opening opening, InputBudget budget) {
        this.opening = opening;
        this.budget = budget;
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
                super.connect(new Forwarding(consumer, current::get, opening, budget));
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
        private static final String BUSY =
                ErrorText.of("", 503, "unavailable", "too many messages are being processed; try again later", 1000L);

        private final Supplier<VertxWebsocketConsumer> loaded;
        private final Opening opening;
        private final InputBudget budget;
        /** By the sockets' keys. */
        private final Map<String, Socket> sockets = new ConcurrentHashMap<>();

        private record Socket(ServerWebSocket socket, MessageFlow flow) {}

        Forwarding(
                VertxWebsocketConsumer first,
                Supplier<VertxWebsocketConsumer> loaded,
                Opening opening,
                InputBudget budget) {
            super(first.getEndpoint(), first.getProcessor());
            this.loaded = loaded;
            this.opening = opening;
            this.budget = budget;
        }

        @Override
        public void onMessage(String key, Object message, SocketAddress remote, RoutingContext context) {
            Socket from = sockets.get(key);
            if (from == null) {
                return; // it has closed
            }
            long size = message instanceof byte[] bytes ? bytes.length : ((String) message).length();
            if (!from.flow().begin(size)) {
                from.socket().writeTextMessage(BUSY);
                return;
            }
            process(key, message, VertxWebsocketEvent.MESSAGE, context)
                    .onComplete(processed -> from.flow().end(size));
        }

        /** As the stock consumer, which does not say when it is done. Nothing of the address becomes a header. */
        private Future<Void> process(String key, Object body, VertxWebsocketEvent event, RoutingContext context) {
            VertxWebsocketConsumer consumer = loaded.get();
            Exchange exchange = consumer.createExchange(false);
            exchange.getMessage().setBody(body);
            exchange.getMessage().setHeader(VertxWebsocketConstants.CONNECTION_KEY, key);
            exchange.getMessage().setHeader(VertxWebsocketConstants.EVENT, event);
            return context.vertx()
                    .<Void>executeBlocking(
                            () -> {
                                consumer.createUoW(exchange);
                                consumer.getProcessor().process(exchange);
                                return null;
                            },
                            false)
                    .onComplete(result -> {
                        try {
                            Throwable failure = result.failed() ? result.cause() : exchange.getException();
                            if (failure != null) {
                                consumer.getExceptionHandler().handleException(failure);
                            }
                        } finally {
                            consumer.doneUoW(exchange);
                            consumer.releaseExchange(exchange, false);
                        }
                    });
        }

        @Override
        public void onException(String key, Throwable cause, SocketAddress remote, RoutingContext context) {
            loaded.get().onException(key, cause, remote, context);
        }

        @Override
        public void onOpen(String key, SocketAddress remote, RoutingContext context, ServerWebSocket socket) {
            sockets.put(key, new Socket(socket, new MessageFlow(socket, budget)));
            opening.opened(key, socket, context.user());
        }

        @Override
        public void onClose(String key, SocketAddress remote, RoutingContext context) {
            sockets.remove(key);
            process(key, null, VertxWebsocketEvent.CLOSE, context);
        }
    }
}
