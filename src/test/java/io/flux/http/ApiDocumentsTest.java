package io.flux.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The documents are served with the bound that holds, by a real server. */
@Timeout(30)
class ApiDocumentsTest {
    private static final AtomicLong BOUND = new AtomicLong(4096);
    private static Vertx vertx;
    private static HttpServer server;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        Router router = Router.router(vertx);
        ApiDocuments.serve(router, 0, BOUND::get);
        server = vertx.createHttpServer()
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
    @ValueSource(strings = {"openapi.json", "asyncapi.json"})
    void theDefaultBoundIsTheOneOfTheFile(String name) throws Exception {
        BOUND.set(4096);
        HttpResponse<String> served = ask("GET", name);
        assertThat(served.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(served.body()).isEqualTo(Files.readString(Path.of("docs", "api", name)));
        assertThat(ask("HEAD", name).body()).isEmpty();
        assertThat(ask("POST", name).statusCode()).isEqualTo(405);
    }

    @Test
    void aConfiguredBoundIsInEverySchemaOfARequest() throws Exception {
        for (long bound : new long[] {7, 100_000}) {
            BOUND.set(bound);
            JsonNode http = new ObjectMapper()
                    .readTree(ask("GET", "openapi.json").body())
                    .at("/components/schemas");
            for (String schema : new String[] {"Request", "ChatCompletionRequest", "CompletionRequest"}) {
                assertThat(http.at("/" + schema + "/properties/max_tokens/maximum")
                                .asLong())
                        .isEqualTo(bound);
            }
            assertThat(http.at("/ChatCompletionRequest/properties/max_completion_tokens/maximum")
                            .asLong())
                    .isEqualTo(bound);
            JsonNode socket =
                    new ObjectMapper().readTree(ask("GET", "asyncapi.json").body());
            assertThat(socket.at("/components/schemas/Request/properties/max_tokens/maximum")
                            .asLong())
                    .isEqualTo(bound);
        }
    }

    private static HttpResponse<String> ask(String method, String name) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.actualPort() + "/" + name))
                                .method(method, HttpRequest.BodyPublishers.noBody())
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }
}
