package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** One trace for each job: across a gateway, workers and an engine that are processes of their own, to a real receiver. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TracesIT {
    private static final String CLIENT = "b7ad6b7169203331";

    @TempDir
    static Path folder;

    private static TestRedis redis;
    private static FakeEngine engine;
    private static Collector collector;
    private static RunningFlux gateway;
    private static RunningFlux first;
    private static RunningFlux second;

    @BeforeAll
    static void start() throws IOException {
        redis = TestRedis.empty();
        engine = new FakeEngine(folder.resolve("engine"));
        collector = new Collector();
        gateway = traced(RunningFlux.named("traces-gateway")
                        .gateway()
                        .redis(redis)
                        .impatient())
                .start();
        first = traced(RunningFlux.named("traces-first")
                        .worker()
                        .redis(redis)
                        .impatient()
                        .engine(engine))
                .start();
    }

    private static RunningFlux.Setup traced(RunningFlux.Setup setup) {
        return setup.set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address()).set("OTEL_BSP_SCHEDULE_DELAY", 50);
    }

    @AfterAll
    static void stop() {
        if (second != null) {
            second.close();
        }
        first.close();
        gateway.close();
        collector.close();
    }

    private static String traceparent(String traceId) {
        return "00-" + traceId + "-" + CLIENT + "-01";
    }

    private static List<Span> trace(String traceId, int spans) {
        await().until(() -> collector.trace(traceId).size() >= spans);
        return collector.trace(traceId);
    }

    private static Span named(List<Span> trace, String name) {
        return trace.stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not in " + trace));
    }

    private static void assertParent(Span child, Span parent) {
        assertThat(Collector.hex(child.getParentSpanId())).isEqualTo(Collector.hex(parent.getSpanId()));
    }

    @Test
    @Order(1)
    void aMessageNamesItsTraceAndEachStepIsASpanOfIt() {
        String id = "0af7651916cd43dd8448eb211c80319c";
        try (FluxSocket client = gateway.connect()) {
            client.ask("told", "story 3", "\"traceparent\":\"" + traceparent(id) + "\"");
            client.awaitEnd("told");
        }
        List<Span> trace = trace(id, 4);
        Span submit = named(trace, "submit default");
        Span queue = named(trace, "queue default");
        Span attempt = named(trace, "attempt default");
        Span call = named(trace, "chat default");
        assertThat(Collector.hex(submit.getParentSpanId())).isEqualTo(CLIENT);
        assertThat(submit.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
        assertParent(queue, submit);
        assertParent(attempt, submit);
        assertThat(attempt.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CONSUMER);
        assertParent(call, attempt);
        assertThat(call.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CLIENT);
        assertThat(call.getEventsList()).extracting(Span.Event::getName).containsExactly("first text");
        assertThat(Collector.attribute(call, "gen_ai.operation.name")).isEqualTo("chat");
        assertThat(Collector.attribute(call, "gen_ai.request.model")).isEqualTo("default");
        assertThat(Collector.attribute(call, "gen_ai.response.finish_reasons")).isEqualTo("stop");
        assertThat(Collector.attribute(call, "gen_ai.usage.output_tokens")).isNotEmpty();
        assertThat(trace).allSatisfy(span -> assertThat(Collector.attribute(span, "flux.request_id"))
                .isEqualTo("told"));
        assertThat(trace.toString()).as("nothing of the prompt").doesNotContain("story");
    }

    @Test
    @Order(2)
    void whatIsMeasuredOfTheJobPointsToItsTrace() {
        assertThat(first.send(HttpRequest.newBuilder(first.http("/metrics"))
                                .header("Accept", "application/openmetrics-text")
                                .build())
                        .body())
                .containsPattern("flux_job_duration_seconds_bucket.*# \\{.*trace_id=\"[0-9a-f]{32}\"");
    }

    @Test
    @Order(3)
    void aRequestThatIsRefusedIsASpanWithItsCodeAndATraceparentThatIsNoneIsNamed() {
        String id = "1af7651916cd43dd8448eb211c80319c";
        try (FluxSocket client = gateway.connect()) {
            client.ask("wrong", "echo x", "\"traceparent\":\"00-0-0-0\"");
            assertThat(client.await("wrong", "error").path("field").asText()).isEqualTo("traceparent");
            client.ask("refused", "echo x", "\"model\":\"nobodys\",\"traceparent\":\"" + traceparent(id) + "\"");
            client.await("refused", "error");
        }
        assertThat(trace(id, 1)).singleElement().satisfies(span -> assertThat(Collector.attribute(span, "error.type"))
                .isEqualTo("not_found"));
    }

    @Test
    @Order(4)
    void aCollectorThatIsDownIsSaidOnceAndHoldsUpNobody() {
        collector.breakDown(true);
        try (FluxSocket client = gateway.connect()) {
            for (int i = 0; i < 3; i++) {
                int before = collector.refused();
                client.ask("unseen-" + i, "echo x");
                client.awaitEnd("unseen-" + i);
                await().until(() -> collector.refused() > before);
            }
        } finally {
            collector.breakDown(false);
        }
        assertThat(gateway.log().split("Traces are not taken", -1)).hasSize(2);
        assertThat(gateway.log()).doesNotContain("Failed to export");
    }

    @Test
    @Order(5)
    void aTraceGoesOnInTheNextWorkerAndInItsEngine() throws IOException {
        String id = "2af7651916cd43dd8448eb211c80319c";
        String other = "3af7651916cd43dd8448eb211c80319c";
        Path models = folder.resolve("models.yaml");
        Files.writeString(
                models,
                """
                models:
                  - name: default
                    engine: llama-completion
                    template: none
                  - name: remote
                    engine: openai
                    url: %s
                """
                        .formatted(collector.engine()));
        try (FluxSocket client = FluxSocket.connect(gateway.webSocket(""), Map.of("traceparent", traceparent(id)))) {
            client.ask("orphan", "story 40\n");
            client.await("orphan", "token");
            first.kill9();
            second = traced(RunningFlux.named("traces-second")
                            .worker()
                            .redis(redis)
                            .impatient()
                            .engine(engine)
                            .set("FLUX_MODELS", models))
                    .start();
            client.awaitEnd("orphan");
            assertThat(client.text("orphan")).isEqualTo(FakeEngine.story(40));
        }
        List<Span> trace = trace(id, 3);
        Span submit = named(trace, "submit default");
        Span attempt = named(trace, "attempt default");
        assertThat(Collector.hex(submit.getParentSpanId())).isEqualTo(CLIENT);
        assertParent(attempt, submit);
        assertThat(Collector.attribute(attempt, "flux.attempt")).isEqualTo("2");
        assertThat(Integer.parseInt(Collector.attribute(attempt, "flux.resumed_events")))
                .isPositive();
        assertParent(named(trace, "chat default"), attempt);

        await().until(() -> gateway.get("/models").body().contains("remote"));
        assertThat(gateway.send(HttpRequest.newBuilder(gateway.http("/api/generate"))
                                .header("traceparent", traceparent(other))
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(
                                        "{\"prompt\":\"Hello\",\"model\":\"remote\"}"))
                                .build())
                        .statusCode())
                .isEqualTo(200);
        Span call = named(trace(other, 4), "chat remote");
        assertThat(collector.traceparents())
                .containsExactly("00-" + other + "-" + Collector.hex(call.getSpanId()) + "-01");
    }

    @Test
    @Order(6)
    void withoutOpenTelemetrysVariablesNothingOfItIsLoadedAndTheTraceIsPassedOnAllTheSame() throws IOException {
        Path loaded = folder.resolve("loaded");
        try (RunningFlux flux = RunningFlux.named("traces-off")
                .redis(redis)
                .set("FLUX_ENGINE", "openai")
                .set("FLUX_MODEL", "untraced")
                .set("FLUX_OPENAI_URL", collector.engine())
                .java("-Xlog:class+load:file=" + loaded)
                .start()) {
            String id = "4af7651916cd43dd8448eb211c80319c";
            try (FluxSocket client = flux.connect()) {
                client.ask("untraced", "Hello", "\"model\":\"untraced\",\"traceparent\":\"" + traceparent(id) + "\"");
                client.awaitEnd("untraced");
            }
            assertThat(collector.traceparents()).contains(traceparent(id));
            assertThat(collector.trace(id)).isEmpty();
            assertThat(Files.readString(loaded))
                    .contains("io.flux.trace.Tracing")
                    .doesNotContain("io.opentelemetry")
                    .doesNotContain("io.flux.trace.OpenTelemetryTracing");
        }
    }
}
