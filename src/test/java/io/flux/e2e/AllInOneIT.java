package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** What a newcomer gets: one process, nothing installed. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class AllInOneIT {
    private static final Path DATA = RunningFlux.HOME.resolve("all-in-one-" + System.nanoTime());
    private static RunningFlux flux;

    @BeforeAll
    static void start() {
        flux = RunningFlux.named("all-in-one").set("FLUX_DATA", DATA).start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void theSeedsRequestIsAnsweredByASentence() {
        try (FluxSocket client = flux.connect()) {
            client.say("""
                    {"prompt":"What is Redis?","max_tokens":64,"temperature":0}""");
            JsonNode ticket =
                    client.await("a ticket", event -> FluxSocket.type(event).equals("ticket"));
            String id = ticket.path("request_id").asText();
            JsonNode complete = client.awaitEnd(id);

            assertThat(id).isNotBlank();
            assertThat(ticket.path("model").asText()).isEqualTo("default");
            assertThat(ticket.path("position").asLong()).isEqualTo(1);
            assertThat(ticket.has("seq")).isFalse();
            List<String> types =
                    client.events().stream().map(FluxSocket::type).distinct().toList();
            assertThat(types).containsSubsequence("ticket", "start", "token", "complete");
            client.assertGapless(id, 1);
            assertThat(client.text(id)).contains("Redis").endsWith(".");

            int tokens = complete.path("token_count").asInt();
            assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(tokens).isBetween(1, 64);
            assertThat(complete.path("usage").path("completion_tokens").asInt()).isEqualTo(tokens);
            assertThat(complete.path("usage").path("prompt_tokens").asInt()).isPositive();
            for (String timing : List.of("queue_ms", "ttft_ms", "total_ms", "tokens_per_second")) {
                assertThat(complete.path("timings").path(timing).isNumber())
                        .as(timing)
                        .isTrue();
            }
        }
    }

    @Test
    void messagesAskTheSameAsAPrompt() {
        try (FluxSocket client = flux.connect()) {
            client.say(
                    """
                    {"request_id":"prompt","prompt":"What is Redis?","max_tokens":64,"temperature":0}""");
            client.say(
                    """
                    {"request_id":"messages","messages":[{"role":"user","content":"What is Redis?"}],
                     "max_tokens":64,"temperature":0}""");
            client.awaitEnd("prompt");
            client.awaitEnd("messages");
            assertThat(client.text("messages")).isNotBlank().isEqualTo(client.text("prompt"));
        }
    }

    @Test
    void fieldsThatFluxDoesNotKnowAreIgnored() {
        try (FluxSocket client = flux.connect()) {
            client.say(
                    """
                    {"request_id":"unknown","prompt":"What is Redis?","max_tokens":8,"user":"u1","urgency":{"a":[1]}}""");
            assertThat(FluxSocket.type(client.awaitEnd("unknown"))).isEqualTo("complete");
        }
    }

    @Test
    void anAnswerThatReachesItsLimitEndsByLength() {
        try (FluxSocket client = flux.connect()) {
            client.say(
                    """
                    {"request_id":"short","prompt":"Write me a poem","max_tokens":4,"temperature":0}""");
            JsonNode complete = client.awaitEnd("short");
            assertThat(complete.path("finish_reason").asText()).isEqualTo("length");
            assertThat(complete.path("token_count").asInt()).isEqualTo(4);
        }
    }

    @Test
    void anAnswerEndsBeforeAStopText() {
        try (FluxSocket client = flux.connect()) {
            client.say(
                    """
                    {"request_id":"stop","prompt":"What is Redis?","max_tokens":64,"temperature":0,"stop":["Redis"]}""");
            assertThat(client.awaitEnd("stop").path("finish_reason").asText()).isEqualTo("stop");
            assertThat(client.text("stop")).doesNotContain("Redis");
        }
    }

    @Test
    void healthSaysThatItServes() {
        HttpResponse<String> health = flux.get("/health");
        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(health.body()).contains("\"status\":\"up\"", "\"redis\":\"up\"", "\"worker\":\"up\"");
    }

    @Test
    void theQueuesStatusCountsWhatWaitsAndRuns() {
        HttpResponse<String> status = flux.get("/queue/status");
        assertThat(status.statusCode()).isEqualTo(200);
        assertThat(status.headers().firstValue("content-type").orElse("")).startsWith("application/json");
        assertThat(status.body()).contains("\"queue_length\":", "\"running\":", "\"model\":\"default\"");
    }

    @Test
    void theMetricsTellWhatOperatorsAsk() {
        try (FluxSocket client = flux.connect()) {
            client.ask("measured", "What is Redis?");
            client.awaitEnd("measured");
            await().untilAsserted(() -> assertThat(flux.get("/metrics").body())
                    .contains(
                            "flux_jobs_total{model=\"default\",outcome=\"stop\"}",
                            "flux_tokens_total{model=\"default\"}",
                            "flux_time_to_first_token_seconds_count{model=\"default\"}",
                            "flux_time_to_first_token_seconds_bucket",
                            "flux_queue_wait_seconds_count{model=\"default\"}",
                            "flux_inter_token_latency_seconds_count{model=\"default\"}",
                            "flux_sockets 1",
                            "flux_jobs_waiting{model=\"default\"} 0",
                            "flux_jobs_running{model=\"default\"} 0"));
        }
    }

    @Test
    void thePageIsServedAndMayLoadNothingFromElsewhere() {
        HttpResponse<String> page = flux.get("/");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("content-type").orElse("")).startsWith("text/html");
        assertThat(page.headers().firstValue("content-security-policy").orElse(""))
                .contains("default-src 'self'", "frame-ancestors 'none'");
        assertThat(page.body()).contains("<title>Flux</title>");
        assertThat(flux.get("/flux.js").statusCode()).isEqualTo(200);
    }

    @Test
    void whatIsNotThereIsAnsweredAsAnErrorInJson() {
        HttpResponse<String> nothing = flux.get("/nothing/here");
        assertThat(nothing.statusCode()).isEqualTo(404);
        assertThat(nothing.body()).contains("\"type\":\"error\"", "\"code\":\"not_found\"", "/nothing/here");
    }

    /** Last, because it ends what the others use. */
    @Test
    @Order(Integer.MAX_VALUE)
    void sigtermEndsEverythingAndARestartStillHasTheAnswers(@TempDir Path folder) throws IOException {
        String text;
        try (FluxSocket client = flux.connect()) {
            client.ask("kept", "What is Redis?");
            client.awaitEnd("kept");
            text = client.text("kept");
        }
        assertEndsWithAllItsProcesses();
        assertThat(flux.log()).doesNotContain("ERROR", "Exception");

        flux = RunningFlux.named("all-in-one-again")
                .set("FLUX_DATA", DATA)
                .engine(new FakeEngine(folder.resolve("engine")))
                .set("FLUX_DRAIN", "1s") // an engine that never ends is waited for so long
                .start();
        try (FluxSocket client = flux.connect()) {
            client.resume("kept", 0);
            client.awaitEnd("kept");
            client.assertGapless("kept", 1);
            assertThat(client.text("kept")).isEqualTo(text);

            client.ask("endless", "gate never");
            client.await("endless", "token");
            assertThat(flux.descendants()).as("an engine runs").isNotEmpty();
            assertEndsWithAllItsProcesses();
        }
    }

    private static void assertEndsWithAllItsProcesses() throws IOException {
        long redis = Long.parseLong(
                Files.readString(DATA.resolve("redis").resolve("redis.pid")).strip());
        assertThat(ProcessHandle.of(redis)).isPresent();
        List<ProcessHandle> children = flux.descendants();

        assertThat(flux.stop()).as("Flux ends on SIGTERM").isTrue();
        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
            assertThat(ProcessHandle.of(redis)).as("redis-server").isEmpty();
            assertThat(children).noneMatch(ProcessHandle::isAlive);
        });
    }
}
