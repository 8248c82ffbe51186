package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.KeyHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log as those read it who collect logs: FLUX_LOG=json. */
class JsonLogIT {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final String KEY = KeyHash.newKey();
    private static final ObjectMapper STRICT = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final List<String> FIELDS = List.of("request_id", "tenant", "model", "attempt", "worker");

    @TempDir
    Path folder;

    @Test
    void everyLineIsAnObjectAndThoseAboutAJobNameItInFieldsOfTheirOwn() throws IOException {
        FakeEngine engine = new FakeEngine(folder.resolve("engine"));
        Path keys = Files.writeString(
                folder.resolve("keys.yaml"), "keys:\n  - {tenant: acme, sha256: \"" + KeyHash.hex(KEY) + "\"}\n");
        try (RunningFlux flux = RunningFlux.named("json-log")
                .redis(TestRedis.empty())
                .engine(engine)
                .impatient()
                .set("FLUX_KEYS", keys)
                .set("FLUX_ATTEMPTS", 2)
                .set("FLUX_ID", "flux-1")
                .set("FLUX_LOG", "json")
                .start()) {
            serve(flux, "fails", "exit 7\\n and a secret prompt", "failed");
            serve(flux, "works", "echo a secret answer\\n", "done");

            List<JsonNode> lines = lines(flux.log());
            assertThat(lines).allSatisfy(line -> {
                assertThat(OffsetDateTime.parse(line.path("time").asText())).isNotNull();
                assertThat(line.path("process").asText()).isEqualTo("flux-1");
                for (String field : List.of("level", "logger", "thread", "message")) {
                    assertThat(line.path(field).asText()).as(field).isNotBlank();
                }
            });
            assertThat(lines.stream().filter(isAbout("fails")).toList())
                    .extracting(line -> line.path("level").asText() + " "
                            + line.path("message").asText().split(" ", 3)[1] + " "
                            + line.path("attempt").asText())
                    .contains("INFO begins 1", "WARN failed 1", "INFO begins 2", "WARN failed 2", "INFO ended 2");
            assertThat(lines.stream().filter(isAbout("fails").or(isAbout("works"))))
                    .filteredOn(line -> line.has("attempt"))
                    .isNotEmpty()
                    .allSatisfy(line -> {
                        assertThat(line.path("tenant").asText()).isEqualTo("acme");
                        assertThat(line.path("model").asText()).isEqualTo("default");
                        assertThat(line.path("worker").asText()).isEqualTo("flux-1");
                    });
            assertThat(lines.stream().filter(isAbout("works")))
                    .extracting(line -> line.path("attempt").asText())
                    .as("nothing of the job before it in the same slot")
                    .containsOnly("1");
            assertThat(lines.stream().filter(line -> !line.has("request_id")))
                    .isNotEmpty()
                    .allSatisfy(line -> FIELDS.forEach(field ->
                            assertThat(line.has(field)).as(line.toString()).isFalse()));
            assertThat(flux.log()).doesNotContain("a secret").doesNotContain(KEY);
        }
    }

    private static Predicate<JsonNode> isAbout(String id) {
        return line -> line.path("request_id").asText().equals(id);
    }

    private static void serve(RunningFlux flux, String id, String prompt, String state) {
        ask(flux, "POST", "/v1/jobs", "{\"request_id\":\"" + id + "\",\"prompt\":\"" + prompt + "\"}");
        await().atMost(PATIENCE)
                .until(() -> ask(flux, "GET", "/v1/jobs/" + id, "").contains("\"state\":\"" + state + "\""));
    }

    private static String ask(RunningFlux flux, String method, String path, String body) {
        HttpResponse<String> answer = flux.send(HttpRequest.newBuilder(flux.http(path))
                .header("Authorization", "Bearer " + KEY)
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build());
        return answer.body();
    }

    @Test
    void aStartThatFailsIsAnObjectTooAndSaysWhy() {
        String log = RunningFlux.named("json-log-fails")
                .redis(TestRedis.empty())
                .set("FLUX_LOG", "json")
                .set("FLUX_ATTEMPTS", 0)
                .failToStart();
        assertThat(lines(log))
                .anySatisfy(line ->
                        assertThat(line.path("message").asText()).contains("flux.attempts must be at least 1, not 0"));
    }

    private static List<JsonNode> lines(String log) {
        return log.lines()
                .map(line -> {
                    try {
                        return STRICT.readTree(line);
                    } catch (IOException e) {
                        throw new UncheckedIOException("no JSON: " + line, e);
                    }
                })
                .toList();
    }
}
