package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.flux.access.KeyHash;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A fuzzer of others reads {@code /openapi.json}, asks a running Flux for everything in it, validly and not, and finds no
 * difference; afterwards Flux is as it was. {@code -Dflux.fuzz.seed} has other requests, {@code -Dflux.fuzz.examples} more.
 */
class OpenApiFuzzIT {
    private static final long SEED = Long.getLong("flux.fuzz.seed", 20_260);
    private static final int EXAMPLES = Integer.getInteger("flux.fuzz.examples", 5);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final String OPERATOR = KeyHash.newKey();

    @TempDir
    static Path folder;

    @BeforeAll
    static void install() throws IOException, InterruptedException {
        Schemathesis.install();
        QuickEngine.in(folder.resolve("engine"));
    }

    @Test
    void nothingIsFoundWithoutKeys() throws Exception {
        nothingIsFound(flux("schemathesis"), null);
    }

    @Test
    void nothingIsFoundWithKeys() throws Exception {
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"),
                "keys:\n  - {tenant: ops, operator: true, sha256: \"" + KeyHash.hex(OPERATOR) + "\"}\n");
        nothingIsFound(flux("schemathesis-keys").set("FLUX_KEYS", keys), OPERATOR);
    }

    private static RunningFlux.Setup flux(String name) {
        return RunningFlux.named(name)
                .redis(TestRedis.empty())
                .llamaCompletion(folder.resolve("engine"))
                .impatient()
                .java("-Xmx256m")
                .set("FLUX_TEMPLATE", "none")
                .set("FLUX_SLOTS", 2)
                .set("FLUX_ATTEMPTS", 1)
                .set("FLUX_GRACE", "300ms")
                .set("FLUX_GRACE_RENEWAL", "100ms")
                .set("FLUX_RETENTION", "3s")
                // A job whose dead letter was replayed stays readable for that long.
                .set("FLUX_DEAD_RETENTION", "45s");
    }

    private static void nothingIsFound(RunningFlux.Setup setup, String key) throws Exception {
        TestRedis redis = TestRedis.running();
        try (RunningFlux flux = setup.start()) {
            String[] options = key == null ? new String[0] : new String[] {"--header", "Authorization: Bearer " + key};
            deadLetters(flux, key, 3);
            // Pools and caches fill, and classes are loaded.
            Schemathesis.fuzz(flux, "examples,stateful", SEED + 1, 5, options);
            calm(flux, key);
            Footprint before = Footprint.of(flux, redis);

            deadLetters(flux, key, 3);
            Schemathesis.Run run =
                    Schemathesis.fuzz(flux, "examples,coverage,fuzzing,stateful", SEED, EXAMPLES, options);

            assertThat(run.output()).contains("Tested: 24");
            assertThat(run.code()).as(run.output()).isZero();
            calm(flux, key);
            before.awaitBackHere(flux, redis);
            assertThat(flux.log().lines().filter(line -> line.startsWith("\tat ")))
                    .isEmpty();
        }
    }

    /** Jobs that fail, for operators to look at, to replay and to drop. */
    private static void deadLetters(RunningFlux flux, String key, int count) {
        for (int i = 0; i < count; i++) {
            send(flux, key, "POST", "/v1/jobs", "{\"prompt\":\"exit 7\\n\"}");
        }
        await("dead letters").atMost(TIMEOUT).until(() -> dead(flux, key).size() >= count);
    }

    /** Waits until all jobs have ended, and deletes those that are dead. */
    private static void calm(RunningFlux flux, String key) {
        await("no job is left").atMost(TIMEOUT).until(() -> send(flux, key, "GET", "/queue/status", "")
                .body()
                .contains("\"queue_length\":0,\"running\":0"));
        for (JsonNode letter : dead(flux, key)) {
            assertThat(send(
                                    flux,
                                    key,
                                    "DELETE",
                                    "/queue/dead/" + letter.get("request_id").asText(),
                                    "")
                            .statusCode())
                    .isEqualTo(204);
        }
    }

    private static JsonNode dead(RunningFlux flux, String key) {
        try {
            return FluxClient.JSON.readTree(
                    send(flux, key, "GET", "/queue/dead", "").body());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static HttpResponse<String> send(RunningFlux flux, String key, String method, String path, String body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(flux.http(path)).method(method, HttpRequest.BodyPublishers.ofString(body));
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        return flux.send(request.build());
    }
}
