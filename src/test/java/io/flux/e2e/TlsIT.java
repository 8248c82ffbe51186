package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.cli.Ask;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The port with a certificate: the same doors, over TLS only. */
class TlsIT {
    @TempDir
    static Path folder;

    private static TestCertificate first;
    private static TestCertificate renewed;
    private static Path certificate;
    private static Path key;
    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws Exception {
        first = TestCertificate.make(folder, "first");
        renewed = TestCertificate.make(folder, "renewed");
        certificate = Files.copy(first.certificate(), folder.resolve("tls.crt"));
        key = Files.copy(first.key(), folder.resolve("tls.key"));
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("tls")
                .redis(TestRedis.empty())
                .engine(engine)
                .set("FLUX_TLS_CERT", certificate)
                .set("FLUX_TLS_KEY", key)
                .start();
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    /** In one step each, as whoever renews certificates does. */
    private static void replace(TestCertificate by) throws IOException {
        for (List<Path> move : List.of(List.of(by.key(), key), List.of(by.certificate(), certificate))) {
            Path next = Files.copy(move.get(0), folder.resolve("next"), StandardCopyOption.REPLACE_EXISTING);
            Files.move(next, move.get(1), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static URI uri(String scheme, String path) {
        return URI.create(scheme + "://127.0.0.1:" + flux.port() + path);
    }

    private static HttpClient trusting(TestCertificate certificate) throws Exception {
        return HttpClient.newBuilder().sslContext(certificate.trusted()).build();
    }

    @Test
    void everyDoorWorksOverTlsAndNoneWithout() throws Exception {
        assertThat(flux.log()).contains("Flux gateway ready at https://127.0.0.1:" + flux.port());
        try (FluxSocket client = FluxSocket.connect(trusting(first), uri("wss", "/ws/generate"))) {
            client.ask("over-tls", "echo Hello");
            client.awaitEnd("over-tls");
            assertThat(client.text("over-tls")).isEqualTo("Hello");
        }
        HttpResponse<String> page = trusting(first)
                .send(HttpRequest.newBuilder(uri("https", "/")).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.body()).contains("<title>Flux</title>");
        HttpResponse<String> ours = trusting(first)
                .send(
                        HttpRequest.newBuilder(uri("https", "/models"))
                                .header("Origin", "https://127.0.0.1:" + flux.port())
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(ours.statusCode()).as("the page's own origin").isEqualTo(200);
        try {
            int status = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(uri("http", "/health")).build(),
                            HttpResponse.BodyHandlers.discarding())
                    .statusCode();
            assertThat(status).as("plain HTTP").isGreaterThanOrEqualTo(400);
        } catch (IOException e) {
            assertThat(e).isNotInstanceOf(SSLException.class);
        }
    }

    @Test
    void aRenewedCertificateIsShownToWhoComesNextAndNobodyIsCutOff() throws Exception {
        try (FluxSocket open = FluxSocket.connect(trusting(first), uri("wss", "/ws/generate"))) {
            open.askAndStart("across", "gate renewal");

            replace(renewed);
            await().until(() -> subject().equals("CN=renewed"));

            engine.open("renewal");
            open.awaitEnd("across");
            assertThat(open.text("across")).isEqualTo("AB");
        }
        Files.writeString(key, "nonsense");
        await().until(() -> flux.log().contains("the certificate stays as it was: "));
        assertThat(subject()).isEqualTo("CN=renewed");
        replace(first);
        await().until(() -> subject().equals("CN=first"));
    }

    /** Whom the server says to be. */
    private static String subject() throws Exception {
        SSLContext anybody = SSLContext.getInstance("TLS");
        anybody.init(null, new TrustManager[] {new Trusting()}, new SecureRandom());
        try (SSLSocket socket = (SSLSocket) anybody.getSocketFactory().createSocket("127.0.0.1", flux.port())) {
            socket.startHandshake();
            return ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                    .getSubjectX500Principal()
                    .getName();
        }
    }

    private static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    @Test
    void theCommandTrustsWhomItIsTold() throws Exception {
        assertThat(ask(folder.resolve("first.crt"))).contains("Hello");
        assertThat(ask(folder.resolve("renewed.crt"))).contains("it cannot be trusted", "FLUX_CA");
        assertThat(ask(folder.resolve("first.key"))).contains("holds no certificate in PEM");
    }

    private static String ask(Path authority) throws IOException, InterruptedException {
        Path out = folder.resolve("ask.out");
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Ask.class.getName(),
                        "echo Hello")
                .redirectErrorStream(true)
                .redirectOutput(out.toFile());
        builder.environment().put("FLUX_URL", uri("https", "").toString());
        builder.environment().put("FLUX_CA", authority.toString());
        Process process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("flux ask does not end");
        }
        return Files.readString(out);
    }

    @Test
    void aWrongCertificateKeepsFluxFromStarting() throws Exception {
        assertThat(RunningFlux.named("tls-foreign")
                        .set("FLUX_TLS_CERT", first.certificate())
                        .set("FLUX_TLS_KEY", renewed.key())
                        .failToStart())
                .contains("is not the key of the certificate in " + first.certificate());
    }
}
