package io.flux.cli;

import io.flux.FluxApplication;
import io.flux.http.HttpServing;
import io.flux.observe.Health;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.beans.BeansException;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * All of Flux in this JVM, for one question: its own Redis and engine, any free port, and data that is deleted
 * afterwards, whatever the environment says for a Flux that stays. Starting and closing block.
 */
final class EmbeddedFlux implements AutoCloseable {
    private final ConfigurableApplicationContext context;
    private final Path data;

    private EmbeddedFlux(ConfigurableApplicationContext context, Path data) {
        this.context = context;
        this.data = data;
    }

    /**
     * Starts it.
     *
     * @throws IOException when it does not start or cannot serve, saying why
     */
    static EmbeddedFlux start() throws IOException {
        Path data = Files.createTempDirectory("flux-ask-");
        ConfigurableApplicationContext context;
        try {
            context = FluxApplication.builder()
                    // Whoever closes it wants to say goodbye first.
                    .registerShutdownHook(false)
                    .run(
                            "--flux.bundles=gateway,worker",
                            "--flux.redis-url=",
                            "--flux.redis-user=",
                            "--flux.redis-password=",
                            "--flux.redis-password-file=",
                            "--flux.redis-ca=",
                            "--flux.data=" + data,
                            "--flux.host=127.0.0.1",
                            "--flux.keys=",
                            "--flux.tls-cert=",
                            "--flux.tls-key=",
                            "--flux.port=0",
                            "--flux.id=",
                            // Once the question is answered there is nothing to wait for.
                            "--flux.drain=0s",
                            "--flux.routes-reload=false",
                            "--logging.level.root=WARN",
                            "--logging.level.io.flux=WARN",
                            // What keeps it from starting is in the exception, and told once.
                            "--logging.level.org.springframework=ERROR",
                            "--logging.level.org.springframework.boot=OFF",
                            "--logging.level.io.flux.StartFailureReporter=OFF",
                            // It runs no longer than a question: not a mistake here.
                            "--logging.level.org.apache.camel.spring.boot.SpringBootCamelContext=ERROR");
        } catch (RuntimeException e) {
            delete(data);
            throw new IOException(cause(e), e);
        }
        EmbeddedFlux flux = new EmbeddedFlux(context, data);
        try {
            flux.requireReady();
            return flux;
        } catch (IOException | RuntimeException e) {
            flux.close();
            throw e;
        }
    }

    private void requireReady() throws IOException {
        try {
            Health.Report health = context.getBean(Health.class).report();
            if (health.httpStatus() != 200) {
                List<String> problems = health.checks().values().stream()
                        .filter(check -> !check.equals(health.status()) && !check.equals("up"))
                        .toList();
                throw new IOException(String.join("; ", problems));
            }
        } catch (BeansException e) {
            throw new IOException(cause(e), e);
        }
    }

    /** Where it listens. */
    FluxUrl url() {
        int port = context.getBean(HttpServing.class).port();
        return new FluxUrl(URI.create("http://127.0.0.1:" + port), true);
    }

    @Override
    public void close() {
        context.close();
        delete(data);
    }

    /** What failed first says best what is wrong. */
    private static String cause(Throwable failure) {
        Throwable first = failure;
        while (first.getCause() != null) {
            first = first.getCause();
        }
        return first.getMessage() == null ? first.toString() : first.getMessage();
    }

    private static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException e) {
            System.err.println("flux: could not delete " + folder + ": " + e.getMessage());
        }
    }
}
