package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a gateway and a worker export after a served, a failed and some refused jobs, and what the documents say of it. */
class MetricsIT {
    private static final Path DOCUMENT = Path.of("docs/metrics.md");
    /** {@code | `name` | type | labels | meaning |} */
    private static final Pattern ROW = Pattern.compile("^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*)\\| (.+) \\|$");

    @TempDir
    static Path folder;

    private static RunningFlux gateway;
    private static RunningFlux worker;
    private static String gatewayPage;
    private static String workerPage;

    @BeforeAll
    static void serve() throws IOException {
        TestRedis redis = TestRedis.empty();
        FakeEngine engine = new FakeEngine(folder.resolve("engine"));
        Path inbox = Files.createDirectories(folder.resolve("inbox"));
        Files.writeString(inbox.resolve("nonsense.json"), "{");
        Files.writeString(inbox.resolve("question.txt"), "echo from a file");
        gateway = RunningFlux.named("metrics-gateway")
                .gateway()
                .redis(redis)
                .set("FLUX_BUNDLES", "gateway,connectors")
                .set("FLUX_INBOX", inbox)
                .start();
        worker = RunningFlux.named("metrics-worker")
                .worker()
                .redis(redis)
                .engine(engine)
                .set("FLUX_ATTEMPTS", 1)
                .start();
        try (FluxSocket client = gateway.connect()) {
            client.ask("served", "story 5");
            client.ask("failed", "exit 3");
            client.ask("refused", "");
            client.awaitEnd("served");
            client.awaitEnd("failed");
            client.await("refused", "error");
            await().until(() -> Files.exists(inbox.resolve("question.answer.txt"))
                    && Files.exists(inbox.resolve("failed").resolve("nonsense.json")));
            gatewayPage = gateway.get("/metrics").body();
            workerPage = worker.get("/metrics").body();
        }
    }

    @AfterAll
    static void stop() {
        worker.close();
        gateway.close();
    }

    @Test
    void theDocumentListsEveryMetricThatIsExportedWithItsTypeAndLabels() throws IOException {
        Map<String, String> exported = new TreeMap<>();
        Exported.families(gatewayPage, workerPage)
                .forEach((name, family) -> exported.put(name, family.type() + " " + family.labels()));
        // What the collector of a JVM's garbage has, depends on which one it is.
        Map<String, String> documented = documented();
        exported.keySet().removeIf(name -> name.startsWith("jvm_gc_") && documented.containsKey(name));
        documented.keySet().removeIf(name -> name.startsWith("jvm_gc_"));
        assertThat(documented).containsExactlyInAnyOrderEntriesOf(exported);
    }

    private static Map<String, String> documented() throws IOException {
        Map<String, String> documented = new TreeMap<>();
        for (String line : Files.readAllLines(DOCUMENT)) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                TreeSet<String> labels = new TreeSet<>();
                Matcher label = Pattern.compile("`(\\w+)`").matcher(row.group(3));
                while (label.find()) {
                    labels.add(label.group(1));
                }
                documented.put(row.group(1), row.group(2) + " " + labels);
            }
        }
        return documented;
    }

    @Test
    void everyMetricSaysWhatItIs() {
        assertThat(Exported.families(gatewayPage, workerPage))
                .allSatisfy((name, family) -> assertThat(family.help()).as(name).isNotBlank());
    }

    @Test
    void everyMetricAndLabelThatAPanelOrAnAlertNamesIsExported() throws IOException {
        Map<String, Exported.Family> families = Exported.families(gatewayPage, workerPage);
        Set<String> series = Exported.series(families);
        // They come with the first collection of garbage.
        documented().keySet().stream()
                .filter(name -> name.startsWith("jvm_gc_"))
                .forEach(name -> series.addAll(Set.of(name, name + "_sum", name + "_count")));
        Set<String> labels = new TreeSet<>(Set.of("instance", "le")); // Prometheus' own
        families.values().forEach(family -> labels.addAll(family.labels()));
        assertThat(Observability.expressions()).isNotEmpty().allSatisfy(expression -> {
            assertThat(series).as(expression.text()).containsAll(expression.series());
            assertThat(labels).as(expression.text()).containsAll(expression.labels());
        });
    }

    @Test
    void whatHappenedIsCountedOnceAndWhereItHappened() {
        assertThat(Exported.sum(gatewayPage, "flux_jobs_accepted_total", "route=\"gateway-websocket\""))
                .isEqualTo(2);
        assertThat(Exported.sum(gatewayPage, "flux_jobs_accepted_total", "route=\"flux-generate\""))
                .isEqualTo(1);
        assertThat(Exported.sum(
                        gatewayPage, "flux_refusals_total", "code=\"invalid_request\"", "route=\"gateway-websocket\""))
                .isEqualTo(1);
        assertThat(Exported.sum(gatewayPage, "flux_feed_failures_total", "route=\"connectors-inbox\""))
                .isEqualTo(1);
        assertThat(Exported.sum(gatewayPage, "flux_feed_answers_total")).isEqualTo(1);
        assertThat(Exported.sum(gatewayPage, "flux_feed_waiting")).isZero();
        assertThat(Exported.sum(gatewayPage, "flux_tickets_total")).isEqualTo(3);
        assertThat(Exported.sum(gatewayPage, "flux_sockets")).isEqualTo(1);
        assertThat(Exported.sum(gatewayPage, "flux_sent_bytes_total")).isGreaterThan(200);
        assertThat(Exported.sum(gatewayPage, "flux_redis_up")).isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_jobs_total", "outcome=\"stop\""))
                .isEqualTo(2);
        assertThat(Exported.sum(workerPage, "flux_jobs_total", "outcome=\"engine_failed\""))
                .isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_attempts_total", "verdict=\"dead\"", "code=\"engine_failed\""))
                .isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_answer_wait_seconds_count")).isEqualTo(2);
        assertThat(Exported.sum(workerPage, "flux_job_duration_seconds_count")).isEqualTo(3);
        assertThat(Exported.sum(workerPage, "flux_jobs_dead")).isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_slots_open")).isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_engine_up")).isEqualTo(1);
        assertThat(Exported.sum(workerPage, "flux_redis_script_seconds_count", "script=\"finish\""))
                .isEqualTo(3);
    }

    @Test
    void whoAsksForOpenMetricsGetsThat() {
        HttpResponse<String> page = gateway.send(HttpRequest.newBuilder(gateway.http("/metrics"))
                .header("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3")
                .build());
        assertThat(page.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/openmetrics-text");
        assertThat(page.body()).endsWith("# EOF\n");
    }
}
