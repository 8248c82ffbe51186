package io.flux.kubernetes;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Marks this process's pod with what it would cost to delete it: the number of jobs that it serves. When a Deployment gets
 * smaller, Kubernetes deletes the pods with the lowest cost first, so that idle workers go before busy ones. It is a hint: a
 * busy worker that is deleted all the same drains.
 *
 * <p>Says something only when the number has changed, and after a refusal not before {@link #PAUSE} is over. What goes wrong
 * is logged once and disturbs nobody. The token and the certificates of the API server are read again for each request, since
 * Kubernetes replaces them.
 *
 * <p>Thread-safe.
 */
public final class PodDeletionCost {
    /** What Kubernetes looks at. */
    static final String ANNOTATION = "controller.kubernetes.io/pod-deletion-cost";

    /** Who may not, or finds nobody there, does not try again sooner. */
    static final Duration PAUSE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(PodDeletionCost.class);
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final int NOTHING = -1;

    private final Account account;
    private final String pod;
    private final IntSupplier jobs;
    private final LongSupplier nanoTime;
    private int told = NOTHING;
    /** By {@link #nanoTime}; means nothing while {@link #complaint} is empty. */
    private long notBefore;

    private String complaint = "";
    private Trusted trusted;

    /**
     * Who speaks with whom.
     *
     * @param server the API server
     * @param folder with {@code token}, {@code ca.crt} and {@code namespace}
     */
    public record Account(URI server, Path folder) {
        private static final Path FOLDER = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

        /** Where Kubernetes puts it for each pod that has a token. */
        public static Account ofPod() {
            String host = System.getenv().getOrDefault("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc");
            String port = System.getenv().getOrDefault("KUBERNETES_SERVICE_PORT", "443");
            return new Account(
                    URI.create("https://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port), FOLDER);
        }

        private String read(String name) throws IOException {
            return Files.readString(folder.resolve(name)).strip();
        }
    }

    /** A client that trusts those certificates. */
    private record Trusted(String certificates, HttpClient client) {}

    /**
     * @param pod the pod's name
     * @param jobs how many jobs it serves now
     */
    public PodDeletionCost(Account account, String pod, IntSupplier jobs) {
        this(account, pod, jobs, System::nanoTime);
    }

    PodDeletionCost(Account account, String pod, IntSupplier jobs, LongSupplier nanoTime) {
        this.account = account;
        this.pod = pod;
        this.jobs = jobs;
        this.nanoTime = nanoTime;
    }

    /** Tells Kubernetes what is new; blocks for one request, and for nothing when there is nothing new. */
    public synchronized void tell() throws InterruptedException {
        int cost = jobs.getAsInt();
        if (cost == told || (!complaint.isEmpty() && nanoTime.getAsLong() - notBefore < 0)) {
            return;
        }
        try {
            patch(cost);
            told = cost;
            complaint = "";
        } catch (IOException | UncheckedIOException | GeneralSecurityException e) {
            told = NOTHING;
            notBefore = nanoTime.getAsLong() + PAUSE.toNanos();
            complain(e.toString());
        }
    }

    private void complain(String problem) {
        if (!problem.equals(complaint)) {
            LOG.warn(
                    "The pod {} cannot be marked with its deletion cost; busy workers may go before idle ones: {}",
                    pod,
                    problem);
            complaint = problem;
        }
    }

    private void patch(int cost) throws IOException, GeneralSecurityException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(
                        account.server().resolve("/api/v1/namespaces/" + account.read("namespace") + "/pods/" + pod))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + account.read("token"))
                .header("Content-Type", "application/merge-patch+json")
                .method(
                        "PATCH",
                        HttpRequest.BodyPublishers.ofString(
                                "{\"metadata\":{\"annotations\":{\"" + ANNOTATION + "\":\"" + cost + "\"}}}"))
                .build();
        int status =
                client().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        if (status != 200) {
            throw new IOException("the API server answers " + status);
        }
    }

    private HttpClient client() throws IOException, GeneralSecurityException {
        String certificates = account.read("ca.crt");
        if (trusted == null || !trusted.certificates().equals(certificates)) {
            trusted = new Trusted(
                    certificates,
                    HttpClient.newBuilder()
                            .sslContext(trust(account.folder().resolve("ca.crt")))
                            .connectTimeout(PATIENCE)
                            .build());
        }
        return trusted.client();
    }

    private static SSLContext trust(Path certificates) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(certificates)) {
            int number = 0;
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry(Integer.toString(number++), certificate);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
