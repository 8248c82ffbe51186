package io.flux.http;

import org.apache.camel.component.vertx.websocket.VertxWebsocketComponent;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHost;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHostConfiguration;
import org.apache.camel.component.vertx.websocket.VertxWebsocketHostKey;
import org.apache.camel.spi.annotations.Component;

/**
 * camel-vertx-websocket on a server that others own. The stock component starts an HTTP server for each host and port
 * and closes it, with every socket, when its route stops. Here it adds its path to the router of {@link HttpServing},
 * which also carries the REST routes, listens when all routes are up, and outlives a reload of the door.
 *
 * <p>Camel finds a component's generated option setters by this annotation, which is not inherited.
 */
@Component("vertx-websocket")
final class SharedServerWebSocketComponent extends VertxWebsocketComponent {

    @Override
    protected VertxWebsocketHost createVertxWebsocketHost(
            VertxWebsocketHostConfiguration configuration, VertxWebsocketHostKey key) {
        return new VertxWebsocketHost(getCamelContext(), configuration, key) {
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
}
