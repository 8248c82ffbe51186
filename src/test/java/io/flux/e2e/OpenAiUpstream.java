package io.flux.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.awaitility.Awaitility;

/** A real llama-server with the shipped model, started by nobody but the test: a server elsewhere, for the worker. */
final class OpenAiUpstream implements AutoCloseable {
    private static final Path MODEL = Path.of("src", "main", "resources", "models", "flux-tiny-q8_0.gguf");

    private final List<String> command = new ArrayList<>();
    private final int port;
    private final String key;
    private Process process;

    private OpenAiUpstream(int port, String key, String... more) {
        this.port = port;
        this.key = key;
        command.addAll(List.of(
                Machine.llamaFolder().resolve("llama-server").toString(),
                "-m",
                MODEL.toString(),
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--api-key",
                key,
                "-t",
                "1"));
        command.addAll(List.of(more));
    }

    /** A server on a free port, not started yet. Not one that the system gives to clients: it comes back to it. */
    static OpenAiUpstream withKey(String key, String... more) {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(20_000, 30_000);
            try (ServerSocket free = new ServerSocket(port)) {
                return new OpenAiUpstream(free.getLocalPort(), key, more);
            } catch (BindException taken) {
                // then another
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The same one with other arguments, on the same port. */
    OpenAiUpstream but(String... more) {
        return new OpenAiUpstream(port, key, more);
    }

    int port() {
        return port;
    }

    String url() {
        return "http://127.0.0.1:" + port + "/v1";
    }

    /** Starts it and waits until the model is loaded. */
    OpenAiUpstream start() {
        try {
            Files.createDirectories(RunningFlux.HOME);
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(RunningFlux.HOME
                            .resolve("llama-server-" + port + ".log")
                            .toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        Awaitility.await("llama-server on port " + port)
                .pollInterval(Duration.ofMillis(20))
                .failFast(() -> !process.isAlive())
                .ignoreExceptions()
                .until(() -> health() == 200);
        return this;
    }

    private int health() throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health"))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    /** Stops it in the middle of what it does. */
    void freeze() {
        try {
            new ProcessBuilder("kill", "-STOP", Long.toString(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Kills it and waits until it is gone. */
    void kill9() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        if (process != null) {
            kill9();
        }
    }
}
