package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests that are read in two ways: a proxy and Flux must not disagree about where one ends. */
@Timeout(60)
class MalformedBodiesTest {
    private static final AtomicInteger SMUGGLED = new AtomicInteger();
    private static final String HOST = "Host: 127.0.0.1\r\n";
    private static final String SECOND = "GET /second HTTP/1.1\r\n" + HOST + "\r\n";
    private static Vertx vertx;
    private static HttpServer server;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        Router router = Router.router(vertx);
        HttpErrors.install(router);
        new RequestBody(1000).steps().forEach(router.post("/first").handler(context -> context.next())::handler);
        router.post("/first").handler(context -> context.response().end("first"));
        router.get("/second").handler(context -> {
            SMUGGLED.incrementAndGet();
            context.response().end("second");
        });
        server = RawHttp.serve(vertx, HostGuard.any(), router);
    }

    @AfterAll
    static void stop() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @BeforeEach
    void nothingWasSmuggledYet() {
        SMUGGLED.set(0);
    }

    private static String post(String version, String framing, String body) {
        return "POST /first HTTP/" + version + "\r\n" + HOST + framing + "\r\n\r\n" + body;
    }

    private static String chunked(String body) {
        return post("1.1", "Transfer-Encoding: chunked", body);
    }

    static Stream<String> ambiguous() {
        String good = "2\r\n{}\r\n0\r\n\r\n";
        return Stream.of(
                chunked("100000004\r\n{}\r\n0\r\n\r\n"),
                chunked("100000002\r\n{}\r\n0\r\n\r\n"),
                chunked("ffffffffffffffffff2\r\n{}\r\n0\r\n\r\n"),
                chunked("0x2\r\n{}\r\n0\r\n\r\n"),
                chunked("-2\r\n{}\r\n0\r\n\r\n"),
                chunked("+2\r\n{}\r\n0\r\n\r\n"),
                chunked("2 x\r\n{}\r\n0\r\n\r\n"),
                chunked("\r\n{}\r\n0\r\n\r\n"),
                chunked("2\r\n{}xx0\r\n\r\n"),
                chunked("2\n{}\n0\n\n"),
                chunked("2;a\n{}\r\n0\r\n\r\n"),
                chunked("2;a=\"x\r\n{}\r\n0\r\n\r\n"),
                chunked("2;a=\"\r\n\r\n{}\r\n0\r\n\r\n"),
                chunked("2;" + "a".repeat(20_000) + "\r\n{}\r\n0\r\n\r\n"),
                chunked("2\r\n{}\r\n0\r\nX: " + "a".repeat(20_000) + "\r\n\r\n"),
                post("1.1", "Transfer-Encoding: chunked, identity", good),
                post("1.1", "Transfer-Encoding: identity\r\nContent-Length: 2", "{}"),
                post("1.1", "Transfer-Encoding: gzip, chunked", good),
                post("1.1", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", good),
                post("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", good),
                post("1.1", "Transfer-Encoding: chunked, chunked", good),
                post("1.1", "Transfer-Encoding: xchunked", good),
                post("1.1", "Transfer-Encoding: \u000bchunked", good),
                post("1.1", "Transfer-Encoding : chunked", good),
                post("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 4", good),
                post("1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 4", good),
                post("1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked", good),
                post("1.1", "Content-Length: 2\r\nContent-Length: 3", "{}"),
                post("1.1", "Content-Length: 2, 2", "{}"),
                post("1.1", "Content-Length: +2", "{}"),
                post("1.1", "Content-Length: -1", "{}"),
                post("1.1", "Content-Length: 2 3", "{}"),
                post("1.1", "Content-Length: 99999999999999999999", "{}"));
    }

    @ParameterizedTest
    @MethodSource("ambiguous")
    void aRequestWithoutAClearEndIsRefusedAndNothingBehindItIsRead(String request) throws IOException {
        String answers = RawHttp.untilClosed(server.actualPort(), request + SECOND);
        assertThat(RawHttp.statuses(answers)).containsExactly(400);
        assertThat(SMUGGLED).hasValue(0);
    }

    static Stream<String> clear() {
        return Stream.of(
                chunked("2\r\n{}\r\n0\r\n\r\n"),
                chunked("00002\r\n{}\r\n0\r\n\r\n"),
                chunked("1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n"),
                chunked("2;a=\"b\"\r\n{}\r\n0\r\n\r\n"),
                chunked("2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"),
                post("1.1", "transfer-encoding: CHUNKED", "2\r\n{}\r\n0\r\n\r\n"),
                post("1.1", "Content-Length: 2", "{}"),
                post("1.1", "Content-Length: 2\r\nExpect: 100-continue", "{}"));
    }

    @ParameterizedTest
    @MethodSource("clear")
    void whatHasAClearEndIsAnsweredAndSoIsTheNext(String request) throws IOException {
        String answers =
                RawHttp.exchange(server.actualPort(), (request + SECOND).getBytes(StandardCharsets.ISO_8859_1));
        assertThat(RawHttp.statuses(answers).stream().filter(status -> status != 100))
                .containsExactly(200, 200);
        assertThat(SMUGGLED).hasValue(1);
    }

    @Test
    void requestsBeforeAMalformedOneHaveTheirAnswersFirst() throws IOException {
        String answers = RawHttp.untilClosed(server.actualPort(), SECOND + SECOND + chunked("x\r\n"));
        List<Integer> statuses = RawHttp.statuses(answers);
        // The last may be an end without a word, when the answers before it are still on their way.
        assertThat(statuses).startsWith(200, 200).isSubsetOf(200, 400);
        assertThat(SMUGGLED).hasValue(2);
    }

    @Test
    void theAnswerIsAnErrorAsAnyOther() throws IOException {
        assertThat(RawHttp.untilClosed(server.actualPort(), chunked("x\r\n")))
                .contains("connection: close", "{\"type\":\"error\",\"code\":\"invalid_request\"");
    }
}
