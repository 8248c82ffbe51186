package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.access.Caller;
import io.flux.access.Callers;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The key check, on a real server that says who came in and what was left of the headers. */
@Timeout(30)
class KeyGuardTest {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Callers CALLERS = new Callers(true);
    private static Vertx vertx;
    private static HttpServer server;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        Router router = Router.router(vertx);
        router.route()
                .handler(new KeyGuard(
                        key -> key.startsWith("k-") ? new Caller(key.substring(2), Set.of(), 0, null, false) : null,
                        path -> path.equals("/health")));
        router.route("/ws").handler(context -> context.request()
                .toWebSocket()
                .onSuccess(socket -> socket.writeTextMessage(CALLERS.of(context.user())
                                .tenant() + " " + socket.headers().get("Sec-WebSocket-Protocol"))));
        router.route().handler(context -> context.response()
                .end((context.user() == null
                                ? "nobody"
                                : CALLERS.of(context.user()).tenant())
                        + " "
                        + context.request().getHeader("Authorization")));
        server = vertx.createHttpServer(new HttpServerOptions().setWebSocketSubProtocols(List.of("flux.v1")))
                .requestHandler(router)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
    }

    @AfterAll
    static void stop() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer k-acme", "bearer k-acme", "BEARER  k-acme "})
    void aKnownKeyComesInAndGoesNoFurther(String authorization) throws Exception {
        HttpResponse<String> answer = get("/x", authorization);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo("acme null");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer other", "Bearer", "Bearer ", "Basic k-acme", "k-acme", "Bearer,k-acme"})
    void whateverIsNoKnownKeyDoesNot(String authorization) throws Exception {
        assertThat(get("/x", authorization).statusCode()).isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/x", "/health/", "/health/x", "/x/../y", "/HEALTH", "/health%2fx"})
    void withoutAKeyEveryPathIsClosedThatIsNotOpen(String path) throws Exception {
        assertThat(get(path, null).statusCode()).isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/health", "/x/../health", "/health?a=b"})
    void anOpenPathNeedsNone(String path) throws Exception {
        assertThat(get(path, null).body()).isEqualTo("nobody null");
        assertThat(get(path, "Bearer wrong").body()).isEqualTo("nobody null");
        assertThat(get(path, "Bearer k-acme").body()).isEqualTo("acme null");
    }

    @Test
    void noMethodIsAWayAround() throws Exception {
        for (HttpMethod method : List.of(HttpMethod.OPTIONS, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.PUT)) {
            assertThat(CLIENT.send(
                                    HttpRequest.newBuilder(uri("http", "/x"))
                                            .method(method.name(), HttpRequest.BodyPublishers.noBody())
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void aWebSocketBringsItsKeyAsASubprotocolThatIsNotAnswered() throws Exception {
        Heard heard = new Heard();
        WebSocket socket = CLIENT.newWebSocketBuilder()
                .subprotocols("flux.v1", "flux.key.k-acme")
                .buildAsync(uri("ws", "/ws"), heard)
                .join();
        assertThat(socket.getSubprotocol()).isEqualTo("flux.v1");
        assertThat(heard.text.get(20, TimeUnit.SECONDS)).isEqualTo("acme flux.v1");
        socket.abort();
    }

    @Test
    void aWebSocketWithoutAKnownKeyIsNotOpened() {
        for (String[] protocols : List.of(
                new String[] {"flux.v1"}, new String[] {"flux.v1", "flux.key.x"}, new String[] {"flux.key.", "flux.v1"
                })) {
            assertThat(refusal(CLIENT.newWebSocketBuilder()
                            .subprotocols(
                                    protocols[0],
                                    List.of(protocols)
                                            .subList(1, protocols.length)
                                            .toArray(String[]::new))))
                    .isEqualTo(401);
        }
    }

    private static int refusal(WebSocket.Builder builder) {
        try {
            builder.buildAsync(uri("ws", "/ws"), new Heard()).join().abort();
            return 101;
        } catch (CompletionException e) {
            return ((WebSocketHandshakeException) e.getCause()).getResponse().statusCode();
        }
    }

    private static final class Heard implements WebSocket.Listener {
        private final CompletableFuture<String> text = new CompletableFuture<>();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.complete(data.toString());
            return null;
        }
    }

    private static HttpResponse<String> get(String path, String authorization) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri("http", path));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static URI uri(String scheme, String path) {
        return URI.create(scheme + "://127.0.0.1:" + server.actualPort() + path);
    }
}
