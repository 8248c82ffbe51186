package io.flux.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.flux.e2e.TestCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What is told a real HTTPS server that stands for Kubernetes'. */
@ExtendWith(OutputCaptureExtension.class)
class PodDeletionCostTest {
    @TempDir
    static Path certificates;

    private static TestCertificate certificate;

    @TempDir
    private Path account;

    private HttpsServer server;
    private final List<Told> told = new CopyOnWriteArrayList<>();
    private volatile int status = 200;
    private int jobs;
    /** Nearly at its end: the difference counts, and not which is larger. */
    private long now = Long.MAX_VALUE - 1;

    private PodDeletionCost cost;

    private record Told(String request, String token, String contentType, String body) {}

    @BeforeAll
    static void makeCertificate() throws Exception {
        certificate = TestCertificate.make(certificates, "kubernetes");
    }

    @BeforeEach
    void start() throws Exception {
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(certificate.shown()));
        server.createContext("/", this::hear);
        server.start();
        Files.writeString(account.resolve("token"), "first\n");
        Files.writeString(account.resolve("namespace"), "flux");
        Files.copy(certificate.certificate(), account.resolve("ca.crt"));
        cost = new PodDeletionCost(
                new PodDeletionCost.Account(
                        URI.create("https://127.0.0.1:" + server.getAddress().getPort()), account),
                "flux-worker-default-7d4",
                () -> jobs,
                () -> now);
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void hear(HttpExchange exchange) throws IOException {
        told.add(new Told(
                exchange.getRequestMethod() + " " + exchange.getRequestURI(),
                exchange.getRequestHeaders().getFirst("Authorization"),
                exchange.getRequestHeaders().getFirst("Content-Type"),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    @Test
    void thePodIsMarkedWithItsNumberOfJobs() throws Exception {
        jobs = 2;
        cost.tell();
        assertThat(told)
                .containsExactly(new Told(
                        "PATCH /api/v1/namespaces/flux/pods/flux-worker-default-7d4",
                        "Bearer first",
                        "application/merge-patch+json",
                        "{\"metadata\":{\"annotations\":{\"controller.kubernetes.io/pod-deletion-cost\":\"2\"}}}"));
    }

    /** A container that was restarted finds the mark of the one before it. */
    @Test
    void thatThereAreNoJobsIsToldOnce() throws Exception {
        cost.tell();
        cost.tell();
        assertThat(told).hasSize(1);
        jobs = 1;
        cost.tell();
        cost.tell();
        assertThat(told).hasSize(2);
    }

    @Test
    void aTokenThatWasReplacedIsUsed() throws Exception {
        cost.tell();
        Files.writeString(account.resolve("token"), "second");
        jobs = 1;
        cost.tell();
        assertThat(told).extracting(Told::token).containsExactly("Bearer first", "Bearer second");
    }

    @Test
    void whoMayNotSaysSoOnceAndTriesAgainAfterAWhile(CapturedOutput output) throws Exception {
        status = 403;
        cost.tell();
        jobs = 1;
        cost.tell();
        assertThat(told).as("not at once").hasSize(1);
        now += PodDeletionCost.PAUSE.toNanos();
        cost.tell();
        assertThat(told).hasSize(2);
        assertThat(output).containsOnlyOnce("cannot be marked").contains("answers 403");
        assertThat(output.getAll()).doesNotContain("first");
        status = 200;
        now += PodDeletionCost.PAUSE.toNanos();
        cost.tell();
        cost.tell();
        assertThat(told).hasSize(3);
    }

    @Test
    void aServerThatTheAccountDoesNotVouchForIsToldNothing(CapturedOutput output) throws Exception {
        TestCertificate other = TestCertificate.make(certificates, "other");
        Files.copy(other.certificate(), account.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
        cost.tell();
        assertThat(told).isEmpty();
        assertThat(output).contains("cannot be marked");
        Files.copy(certificate.certificate(), account.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
        now += PodDeletionCost.PAUSE.toNanos();
        cost.tell();
        assertThat(told).as("the certificates were replaced").hasSize(1);
    }

    @Test
    void aPodWithoutATokenIsNotDisturbed(CapturedOutput output) throws Exception {
        Files.delete(account.resolve("token"));
        cost.tell();
        now += Duration.ofMinutes(5).toNanos();
        cost.tell();
        assertThat(told).isEmpty();
        assertThat(output).containsOnlyOnce("cannot be marked");
    }
}
