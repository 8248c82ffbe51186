package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every request passes before it reaches a route, on a real server and with bytes of our own on the socket. */
@Timeout(30)
class GuardsTest {
    private static final AtomicInteger PASSED = new AtomicInteger();
    private static Vertx vertx;
    private static HttpServer strict;
    private static HttpServer open;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        strict = server(List.of("https://app.example"));
        open = server(List.of("*"));
    }

    private static HttpServer server(List<String> allowed) throws Exception {
        Router router = Router.router(vertx);
        for (int status : new int[] {400, 403}) {
            router.errorHandler(
                    status, context -> context.response().setStatusCode(status).end());
        }
        router.route().handler(new ParameterGuard());
        router.route().handler(new OriginGuard(allowed));
        router.route().handler(context -> {
            PASSED.incrementAndGet();
            context.response().end("in");
        });
        return vertx.createHttpServer()
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

    @BeforeEach
    void nobodyPassedYet() {
        PASSED.set(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%", "/v1/jobs/%", "/%zz", "/x/%2"})
    void anAddressThatCannotBeDecodedDoesNotPass(String path) throws IOException {
        assertThat(status(strict, path)).isEqualTo(400);
        assertThat(PASSED).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CamelExecCommandExecutable=id",
                "camelexeccommandexecutable=id",
                "CAMELEXEC=id",
                "a=1&CamelExecCommandExecutable=id",
                "a=1;CamelExecCommandExecutable=id",
                "%43amelExecCommandExecutable=id",
                "%43%61%6D%65%6C=id",
                "Camel",
                "Camel=",
                "&&Camel=1",
                "CamelExecCommandArgs=a&CamelExecCommandArgs=b",
                "%20CamelExec=id",
                "+CamelExec=id",
                "%09CamelExec=id",
                "org.apache.camel.x=1",
                "ORG.APACHE.CAMEL.x=1"
            })
    void aParameterThatCouldBecomeACamelHeaderIsRefused(String query) throws IOException {
        assertThat(status(strict, "/ws/generate?" + query)).isEqualTo(400);
        assertThat(PASSED).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"%", "%4", "a=%zz", "%c3%28=1%"})
    void aQueryThatCannotBeDecodedDoesNotPass(String query) throws IOException {
        assertThat(status(strict, "/ws/generate?" + query)).isEqualTo(400);
        assertThat(PASSED).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?", "?tokens=x", "?a=CamelExec", "?caramel=1", "?x-camel=1", "?a=%43amel", "?=1"})
    void otherParametersPass(String query) throws IOException {
        assertThat(status(strict, "/ws/generate" + query)).isEqualTo(200);
    }

    @Test
    void whoSendsNoOriginIsNoBrowserAndPasses() throws IOException {
        assertThat(status(strict, "/")).isEqualTo(200);
    }

    @Test
    void pagesThatThisServerServedPass() throws IOException {
        assertThat(status(strict, "/", "Origin: http://127.0.0.1:" + strict.actualPort()))
                .isEqualTo(200);
        assertThat(status(strict, "/", "Host: FLUX.example", "Origin: https://flux.example"))
                .isEqualTo(200);
    }

    @Test
    void pagesOfAnAllowedOriginPass() throws IOException {
        assertThat(status(strict, "/", "Origin: https://app.example")).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.example",
                "http://app.example",
                "https://app.example:444",
                "https://app.example.evil.example",
                "https://evil.example/https://app.example",
                "http://127.0.0.1",
                "http://127.0.0.1:1",
                "null",
                "",
                "file://",
                "not a uri",
                "http://[",
                "*"
            })
    void pagesOfOtherOriginsDoNotPass(String origin) throws IOException {
        assertThat(status(strict, "/", "Origin: " + origin)).isEqualTo(403);
        assertThat(PASSED).hasValue(0);
    }

    @Test
    void aStarLetsEveryPagePass() throws IOException {
        assertThat(status(open, "/", "Origin: https://evil.example")).isEqualTo(200);
        assertThat(status(open, "/", "Origin: null")).isEqualTo(200);
    }

    @Test
    void aHandshakeOfAWebSocketIsHeldToTheSame() throws IOException {
        String[] handshake = {
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        };
        assertThat(status(strict, "/ws/generate?CamelExecCommandExecutable=id", handshake))
                .isEqualTo(400);
        String[] withOrigin = List.of(
                        handshake[0], handshake[1], handshake[2], handshake[3], "Origin: https://evil.example")
                .toArray(String[]::new);
        assertThat(status(strict, "/ws/generate", withOrigin)).isEqualTo(403);
        assertThat(PASSED).hasValue(0);
    }

    /** Byte by byte, since a client library would correct what an attacker sends. */
    private static int status(HttpServer server, String target, String... headers) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.actualPort())) {
            StringBuilder request = new StringBuilder("GET " + target + " HTTP/1.1\r\n");
            if (List.of(headers).stream().noneMatch(header -> header.startsWith("Host:"))) {
                request.append("Host: 127.0.0.1:").append(server.actualPort()).append("\r\n");
            }
            for (String header : headers) {
                request.append(header).append("\r\n");
            }
            request.append("\r\n");
            socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
            String line = new BufferedReader(
                            new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1))
                    .readLine();
            return Integer.parseInt(line.split(" ")[1]);
        }
    }
}
