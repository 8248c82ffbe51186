package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A web page's site may let its name resolve to this machine: its requests name that site all the same. */
@Timeout(60)
class HostGuardTest {
    private static final AtomicInteger PASSED = new AtomicInteger();
    private static Vertx vertx;
    private static HttpServer keyless;
    private static HttpServer worker;
    private static HttpServer everywhere;
    private static HttpServer keyed;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        List<String> origins = List.of("https://app.example", "http://[2001:db8::7]:3000", "not an origin");
        keyless = serve(HostGuard.known("box.internal", origins, false));
        worker = serve(HostGuard.known("0.0.0.0", List.of(), true));
        everywhere = serve(HostGuard.known("127.0.0.1", List.of("*"), false));
        keyed = serve(HostGuard.any());
    }

    private static HttpServer serve(HostGuard.Rule rule) throws Exception {
        Router router = Router.router(vertx);
        HttpErrors.install(router);
        router.route().handler(context -> {
            PASSED.incrementAndGet();
            context.response().end("in");
        });
        return RawHttp.serve(vertx, rule, router);
    }

    @AfterAll
    static void stop() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @BeforeEach
    void nothingPassedYet() {
        PASSED.set(0);
    }

    private static int status(HttpServer server, String line, String... headers) throws IOException {
        List<Integer> statuses =
                RawHttp.statuses(RawHttp.exchange(server.actualPort(), RawHttp.request(line, headers)));
        assertThat(statuses).hasSize(1);
        return statuses.get(0);
    }

    private static int named(HttpServer server, String host) throws IOException {
        return status(server, "GET /health/live HTTP/1.1", "Host: " + host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LOCALHOST:8080",
                "localhost.",
                "app.localhost",
                "127.0.0.1",
                "127.0.0.1:8080",
                "127.255.255.254",
                "[::1]",
                "[::1]:8080",
                "[0:0:0:0:0:0:0:1]",
                "[::ffff:127.0.0.1]",
                "box.internal",
                "Box.Internal:1",
                "app.example",
                "app.example:8443",
                "[2001:db8::7]"
            })
    void aRequestThatNamesThisMachineOrAnAllowedSitePasses(String host) throws IOException {
        assertThat(named(keyless, host)).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:8080",
                "127.0.0.1.evil.example",
                "localhost.evil.example",
                "notlocalhost",
                "evil.example/localhost",
                "evil.example@localhost",
                "localhost@evil.example",
                "localhost:8080@evil.example",
                "localhost evil.example",
                "localhost, evil.example",
                "localhost\\evil.example",
                "localhost#evil.example",
                "localhost?evil.example",
                "localhost:x",
                "http://localhost",
                "2130706433",
                "0x7f000001",
                "0177.0.0.1",
                "127.1",
                "0.0.0.0",
                "0",
                "10.0.0.7",
                "192.168.1.10:8080",
                "[::]",
                "[2001:db8::8]",
                "[::1",
                "::1",
                "[::1]x",
                "[::1%25lo]",
                "app.example.evil.example",
                "sub.app.example",
                "not",
                ".localhost.evil.example",
                "\u0131ocalhost",
                ":8080",
                ""
            })
    void aRequestThatNamesAnythingElseIsRefused(String host) throws IOException {
        assertThat(named(keyless, host)).isEqualTo(421);
        assertThat(PASSED).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET / HTTP/1.1", "GET /health/live HTTP/1.0", "POST /v1/jobs HTTP/1.1"})
    void aRequestThatNamesNoHostIsRefused(String line) throws IOException {
        assertThat(status(keyless, line)).isEqualTo(421);
        assertThat(PASSED).hasValue(0);
    }

    @Test
    void theHostOfTheTargetCountsToo() throws IOException {
        assertThat(status(keyless, "GET http://localhost/health HTTP/1.1", "Host: localhost"))
                .isEqualTo(200);
        assertThat(status(keyless, "GET http://evil.example/health HTTP/1.1", "Host: localhost"))
                .isEqualTo(421);
        assertThat(status(keyless, "GET http://localhost@evil.example/ HTTP/1.1", "Host: localhost"))
                .isEqualTo(421);
        assertThat(status(keyless, "GET http://localhost/health HTTP/1.1", "Host: evil.example"))
                .isEqualTo(421);
        assertThat(status(keyless, "CONNECT evil.example:443 HTTP/1.1", "Host: evil.example:443"))
                .isEqualTo(421);
        assertThat(PASSED).hasValue(1);
    }

    @Test
    void aHandshakeOfAWebSocketIsHeldToTheSame() throws IOException {
        assertThat(status(
                        keyless,
                        "GET /ws/generate HTTP/1.1",
                        "Host: evil.example:8080",
                        "Origin: http://evil.example:8080",
                        "Upgrade: websocket",
                        "Connection: Upgrade",
                        "Sec-WebSocket-Version: 13",
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
                .isEqualTo(421);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.2.3:9090", "[fd00::3]:9090", "localhost:9090", "0.0.0.0"})
    void aWorkerIsReachedByTheAddressOfItsPod(String host) throws IOException {
        assertThat(named(worker, host)).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "flux-worker.flux.svc", "10.1.2.3.evil.example", "169090600"})
    void aWorkerIsNotReachedByAName(String host) throws IOException {
        assertThat(named(worker, host)).isEqualTo(421);
    }

    @Test
    void whereEveryOriginIsAllowedSoIsEveryHost() throws IOException {
        assertThat(named(everywhere, "anything.example")).isEqualTo(200);
    }

    /** RFC 9112, section 3.2. */
    @ParameterizedTest
    @CsvSource({"flux.example:443,200", "evil.example,200", "a b,400", "'',400", "[::1,400"})
    void withKeysEveryHostPassesThatIsOne(String host, int status) throws IOException {
        assertThat(named(keyed, host)).isEqualTo(status);
    }

    @Test
    void withKeysAHostIsNeededOnceFromHttp11On() throws IOException {
        assertThat(status(keyed, "GET / HTTP/1.1")).isEqualTo(400);
        assertThat(status(keyed, "GET / HTTP/1.0")).isEqualTo(200);
        assertThat(status(keyed, "GET / HTTP/1.1", "Host: a", "Host: b")).isEqualTo(400);
    }

    @Test
    void theAnswerSaysWhichHostsPass() throws IOException {
        String answer = RawHttp.exchange(
                keyless.actualPort(), RawHttp.request("POST /v1/completions HTTP/1.1", "Host: evil.example"));
        assertThat(answer)
                .startsWith("HTTP/1.1 421 ")
                .contains("FLUX_HOST", "FLUX_ALLOWED_ORIGINS", "\"param\":null")
                .doesNotContain("evil.example");
    }
}
