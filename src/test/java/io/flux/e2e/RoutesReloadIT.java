package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code FLUX_ROUTES_RELOAD=true}: who saves a route file changes the running Flux. */
class RoutesReloadIT {
    @TempDir
    static Path folder;

    private static Path routes;
    private static FakeEngine engine;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws IOException {
        routes = folder.resolve("routes");
        Path shipped = Path.of("routes");
        try (Stream<Path> files = Files.walk(shipped)) {
            files.forEach(file -> copy(file, routes.resolve(shipped.relativize(file))));
        }
        engine = new FakeEngine(folder.resolve("engine"));
        flux = RunningFlux.named("routes-reload")
                .redis(TestRedis.empty())
                .engine(engine)
                .set("FLUX_ROUTES", routes)
                .set("FLUX_ROUTES_RELOAD", true)
                .until("Flux gateway ready", "Flux worker ready", "a saved route is live")
                .start();
    }

    private static void copy(Path from, Path to) {
        try {
            Files.copy(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void stop() {
        flux.close();
    }

    @Test
    void aSavedRouteIsLiveAndAnOpenSocketSurvives() throws IOException {
        try (FluxSocket client = flux.connect()) {
            client.ask("during", "gate reload-1");
            client.await("during", "token");
            edit(
                    "gateway/queue.camel.yaml",
                    "- marshal:",
                    "- setHeader: {name: Location, constant: '/edited'}\n        - marshal:");
            awaitLive(() -> assertThat(flux.get("/queue/status").headers().firstValue("Location"))
                    .contains("/edited"));
            assertThat(flux.get("/queue/status").statusCode()).isEqualTo(200);
            engine.open("reload-1");
            client.awaitEnd("during");
            assertThat(client.text("during")).isEqualTo("AB");
            assertServes(client, "after-queue");
        }
    }

    @Test
    void theDoorItselfCanBeEditedWhileSocketsAreOpen() throws IOException {
        try (FluxSocket client = flux.connect()) {
            client.ask("through", "gate reload-2");
            client.await("through", "token");
            edit(
                    "gateway/websocket.camel.yaml",
                    "        - setVariable:\n            name: connection",
                    "        - log: {loggingLevel: ERROR, message: 'the door was edited'}\n"
                            + "        - setVariable:\n            name: connection");
            awaitLive(() -> {
                try (FluxSocket fresh = flux.connect()) {
                    fresh.say("{}");
                    fresh.awaitNext(0);
                }
                assertThat(flux.log().contains("the door was edited")).isTrue();
            });
            engine.open("reload-2");
            client.awaitEnd("through");
            assertThat(client.text("through")).isEqualTo("AB");
            assertThat(client.isClosed()).isFalse();
            assertServes(client, "after-door");
        }
    }

    @Test
    void theSlotCanBeEdited() throws IOException {
        edit(
                "worker/slot.camel.yaml",
                "- to: direct:worker-claim",
                "- log: {loggingLevel: ERROR, message: 'the slot was edited'}\n                - to: direct:worker-claim");
        assertNextJobLogs("the slot was edited");
    }

    @Test
    void theEngineCanBeEditedWhileItWrites() throws IOException {
        try (FluxSocket client = flux.connect()) {
            client.ask("writing", "gate reload-3");
            client.await("writing", "token");
            edit(
                    "engines/llama-completion.kamelet.yaml",
                    "                - removeHeaders:",
                    "                - log: {loggingLevel: ERROR, message: 'the engine was edited'}\n"
                            + "                - removeHeaders:");
            engine.open("reload-3");
            client.awaitEnd("writing");
            assertThat(client.text("writing")).isEqualTo("AB");
        }
        assertNextJobLogs("the engine was edited");
    }

    /** A job may still go the old way while the file is read; one of the next does not. */
    private static void assertNextJobLogs(String words) {
        AtomicInteger number = new AtomicInteger();
        try (FluxSocket client = flux.connect()) {
            await("a job that logs: " + words)
                    .atMost(Duration.ofSeconds(40))
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> {
                        assertServes(client, words.replace(' ', '-') + "-" + number.incrementAndGet());
                        return flux.log().contains(words);
                    });
        }
        assertThat(flux.get("/health").statusCode()).isEqualTo(200);
    }

    @Test
    void aFileThatIsNoRouteChangesNothing() throws IOException {
        String file = "worker/leases.camel.yaml";
        String whole = Files.readString(routes.resolve(file));
        Files.writeString(routes.resolve(file), "- route: [this is, no route");
        await().until(() -> flux.log().contains("leases.camel.yaml"));
        try (FluxSocket client = flux.connect()) {
            assertServes(client, "despite-the-broken-file");
        }
        assertThat(flux.get("/health").statusCode()).isEqualTo(200);
        Files.writeString(routes.resolve(file), whole);
    }

    private static void assertServes(FluxSocket client, String id) {
        client.ask(id, "echo live");
        client.awaitEnd(id);
        assertThat(client.text(id)).isEqualTo("live");
    }

    private static void awaitLive(ThrowingRunnable assertion) {
        await().atMost(Duration.ofSeconds(30)).ignoreExceptions().untilAsserted(assertion);
    }

    private static void edit(String file, String from, String to) throws IOException {
        Path path = routes.resolve(file);
        String before = Files.readString(path);
        assertThat(before).contains(from);
        Files.writeString(path, before.replace(from, to));
    }
}
