package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A body is JSON, whatever its headers say of it; the server here sends it back. */
@Timeout(60)
class RequestBodyTest {
    private static final int LIMIT = 100_000;
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static Vertx vertx;
    private static HttpServer server;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        Router router = Router.router(vertx);
        HttpErrors.install(router);
        Route route = router.route("/echo");
        new RequestBody(LIMIT).steps().forEach(route::handler);
        route.handler(context -> context.response()
                .end(
                        context.body().buffer() == null
                                ? ""
                                : context.body().buffer().toString()));
        server = RawHttp.serve(vertx, HostGuard.any(), router);
    }

    @AfterAll
    static void stop() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private static HttpResponse<String> send(String method, byte[] body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.actualPort() + "/echo"))
                .method(method, HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<String> post(byte[] body, String... headers) throws Exception {
        return send("POST", body, headers);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] gzip(byte[] body) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(body);
        }
        return out.toByteArray();
    }

    private static byte[] deflate(byte[] body, boolean raw) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflate =
                new DeflaterOutputStream(out, new Deflater(Deflater.BEST_COMPRESSION, raw))) {
            deflate.write(body);
        }
        return out.toByteArray();
    }

    /** What {@code curl -d} says; a form would be held to 1 KiB for each field, 8 KiB for a name and 256 fields. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/x-www-form-urlencoded",
                "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
                " application/x-www-form-urlencoded",
                "text/plain",
                "application/json"
            })
    void aBodyIsNotDecodedAsAForm(String type) throws Exception {
        for (String text :
                new String[] {"a ".repeat(20_000), "a&".repeat(20_000), "=".repeat(9_000), "%", "%zz&+=%C3%28", "a=b"
                }) {
            HttpResponse<String> answer = post(bytes(text), "Content-Type", type);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo(text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"multipart/form-data; boundary=x", "Multipart/Mixed", " multipart/form-data"})
    void aFormWithFilesIsRefused(String type) throws Exception {
        assertThat(post(bytes("{}"), "Content-Type", type).statusCode()).isEqualTo(415);
    }

    @Test
    void aCompressedBodyIsInflated() throws Exception {
        byte[] body = bytes("{\"prompt\":\"Überall Salz\"}");
        assertThat(post(gzip(body), "Content-Encoding", "gzip").body()).isEqualTo("{\"prompt\":\"Überall Salz\"}");
        assertThat(post(gzip(body), "Content-Encoding", "X-GZIP").body()).startsWith("{\"prompt\"");
        assertThat(post(deflate(body, false), "Content-Encoding", "deflate").body())
                .startsWith("{\"prompt\"");
        assertThat(post(deflate(body, true), "Content-Encoding", "deflate").body())
                .startsWith("{\"prompt\"");
        assertThat(post(body, "Content-Encoding", "identity").body()).startsWith("{\"prompt\"");
        assertThat(post(gzip(body), "Content-Encoding", "identity, gzip").body())
                .startsWith("{\"prompt\"");
        assertThat(post(gzip(body), "Content-Encoding", "gzip", "Content-Type", "application/x-www-form-urlencoded")
                        .body())
                .startsWith("{\"prompt\"");
    }

    @Test
    void aCompressedBodyMayBeAsLongAsAMessageAndNoLonger() throws Exception {
        byte[] longest = new byte[LIMIT];
        assertThat(post(gzip(longest), "Content-Encoding", "gzip").body()).hasSize(LIMIT);
        assertThat(post(deflate(longest, true), "Content-Encoding", "deflate").body())
                .hasSize(LIMIT);
        assertThat(post(gzip(new byte[LIMIT + 1]), "Content-Encoding", "gzip").statusCode())
                .isEqualTo(413);
        // 100 MB in 97 kB.
        assertThat(post(gzip(new byte[100_000_000]), "Content-Encoding", "gzip").statusCode())
                .isEqualTo(413);
        assertThat(post(deflate(new byte[90_000_000], false), "Content-Encoding", "deflate")
                        .statusCode())
                .isEqualTo(413);
        assertThat(post(new byte[LIMIT + 1], "Content-Encoding", "gzip").statusCode())
                .isEqualTo(413);
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "zstd", "compress", "gzip, gzip", "gzip, br", "snappy", "chunked", "x"})
    void anotherEncodingIsRefusedByItsName(String encoding) throws Exception {
        HttpResponse<String> answer = post(gzip(bytes("{}")), "Content-Encoding", encoding);
        assertThat(answer.statusCode()).isEqualTo(415);
        assertThat(answer.body()).contains("Content-Encoding " + encoding + " ");
    }

    @Test
    void aLongNameOfAnEncodingIsNotRepeated() throws Exception {
        HttpResponse<String> answer = post(bytes("{}"), "Content-Encoding", "x".repeat(4_000));
        assertThat(answer.statusCode()).isEqualTo(415);
        assertThat(answer.body()).hasSizeLessThan(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "deflate"})
    void whatIsNotCompressedSoIsRefused(String encoding) throws Exception {
        assertThat(post(bytes("{\"prompt\":\"x\"}"), "Content-Encoding", encoding)
                        .statusCode())
                .isEqualTo(400);
        byte[] whole = encoding.equals("gzip") ? gzip(bytes("{}")) : deflate(bytes("{}"), false);
        byte[] half = java.util.Arrays.copyOf(whole, whole.length / 2);
        assertThat(post(half, "Content-Encoding", encoding).statusCode()).isEqualTo(400);
        assertThat(post(new byte[0], "Content-Encoding", encoding).body()).isEmpty();
    }

    /** Clients set their headers once, for all they send. */
    @ParameterizedTest
    @ValueSource(strings = {"GET", "DELETE"})
    void whatIsSaidOfABodyThatIsNotLookedAtChangesNothing(String method) throws Exception {
        assertThat(send(method, new byte[0], "Content-Type", "multipart/form-data", "Content-Encoding", "br")
                        .statusCode())
                .isEqualTo(200);
    }
}
