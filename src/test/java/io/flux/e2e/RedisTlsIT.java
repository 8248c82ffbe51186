package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Redis that speaks TLS only and lets in one user, who may do no more than docs/security.md says that Flux needs. */
class RedisTlsIT {
    private static final String PASSWORD = "a:pass/word%with@signs";

    @TempDir
    static Path folder;

    private static TestCertificate certificate;
    private static Process redis;
    private static int port;

    @BeforeAll
    static void start() throws Exception {
        Path program = Machine.program("/usr/bin/redis-server");
        certificate = TestCertificate.make(folder, "redis");
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Path acl = Files.writeString(
                folder.resolve("users.acl"), "user default off\nuser flux on >" + PASSWORD + " " + rules() + "\n");
        redis = new ProcessBuilder(
                        program.toString(),
                        "--port",
                        "0",
                        "--tls-port",
                        Integer.toString(port),
                        "--tls-cert-file",
                        certificate.certificate().toString(),
                        "--tls-key-file",
                        certificate.key().toString(),
                        "--tls-auth-clients",
                        "no",
                        "--aclfile",
                        acl.toString(),
                        "--save",
                        "",
                        "--dir",
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("redis.log").toFile())
                .start();
        Awaitility.await().failFast(() -> !redis.isAlive()).until(() -> Files.readString(folder.resolve("redis.log"))
                .contains("Ready to accept connections"));
    }

    /** The rules of the page, as an operator would copy them. */
    private static String rules() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("docs/security.md"));
        return lines.stream()
                .filter(line -> line.startsWith("user flux on "))
                .map(line -> line.replaceFirst("user flux on >\\S+ ", ""))
                .findFirst()
                .orElseThrow();
    }

    @AfterAll
    static void stop() throws InterruptedException {
        if (redis != null) {
            redis.destroy();
            assertThat(redis.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static RunningFlux.Setup flux(String name) {
        return RunningFlux.named(name).set("FLUX_REDIS_URL", "rediss://127.0.0.1:" + port);
    }

    @Test
    void jobsAreServedThroughARedisWithTlsAndAUserWhoMayDoNoMoreThanFluxNeeds() throws IOException {
        FakeEngine engine = new FakeEngine(folder.resolve("engine"));
        Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
        try (RunningFlux flux = flux("redis-tls")
                        .engine(engine)
                        .set("FLUX_REDIS_CA", certificate.certificate())
                        .set("FLUX_REDIS_USER", "flux")
                        .set("FLUX_REDIS_PASSWORD_FILE", password)
                        .set("FLUX_ATTEMPTS", 1)
                        .impatient()
                        .start();
                FluxSocket client = flux.connect()) {
            client.ask("tls", "echo Hello");
            client.awaitEnd("tls");
            assertThat(client.text("tls")).isEqualTo("Hello");
            client.askAndStart("stopped", "gate never");
            client.cancel("stopped");
            assertThat(client.awaitEnd("stopped").path("finish_reason").asText())
                    .isEqualTo("cancelled");
            client.ask("dies", "exit 7");
            client.awaitEnd("dies");
            Awaitility.await().until(() -> flux.get("/queue/dead").body().contains("\"dies\""));
            assertThat(flux.get("/queue/status").statusCode()).isEqualTo(200);
            assertThat(flux.get("/health").statusCode()).isEqualTo(200);
            assertThat(flux.log()).doesNotContain("NOPERM").doesNotContain(PASSWORD);
        }
    }

    @Test
    void aRedisThatNobodyVouchesForIsNotTrusted() {
        String log = flux("redis-untrusted")
                .set("FLUX_REDIS_USER", "flux")
                .set("FLUX_REDIS_PASSWORD", PASSWORD)
                .failToStart();
        assertThat(log)
                .contains("Flux cannot start: Redis at ", "cannot be spoken to through TLS: ", "FLUX_REDIS_CA")
                .doesNotContain(PASSWORD, "\tat ");
    }
}
