package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code FLUX_ROUTES_RELOAD=true}: who saves a route file changes the running Flux. */
class RoutesReloadIT {
    private static final Duration RELOADED = Duration.ofSeconds(60);
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private static final String OWN =
            """
            - route:
                id: %s
                from:
                  uri: http-door:get:/own/words
                  steps:
                    - setBody: {constant: '%s'}
            """;

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
            int before = flux.log().length();
            edit(
                    "gateway/websocket.camel.yaml",
                    "        - setVariable:\n            name: connection",
                    "        - log: {loggingLevel: ERROR, message: 'the door was edited'}\n"
                            + "        - setVariable:\n            name: connection");
            // One that connects while the route is replaced is not heard.
            awaitSaid(before, "gateway/websocket.camel.yaml is live");
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

    /** Each is a file of the folder, what stands in it instead, and what is said of it. */
    static Stream<Arguments> wrongFiles() throws IOException {
        String submit = "gateway/submit.camel.yaml";
        String claim = "worker/serve.camel.yaml";
        String kamelet = "engines/llama-completion.kamelet.yaml";
        return Stream.of(
                // what people wrote
                arguments(
                        submit,
                        text(submit).replaceAll("ref: [a-zA-Z]+", "ref: noSuchBean"),
                        "line \\d+: there is no bean noSuchBean"),
                arguments(
                        claim,
                        text(claim).replaceFirst("ref: claims", "ref: noSuchBean"),
                        "line \\d+: there is no bean noSuchBean"),
                arguments(
                        claim,
                        text(claim).replace("method: begin(", "method: begun("),
                        "line \\d+: the bean journal has no method begun"),
                arguments(
                        claim,
                        text(claim).replace("- to: direct:worker-begin", "- to: nosuch:worker-begin"),
                        "line \\d+: .*nosuch.*"),
                arguments("common/observe.camel.yaml", "", "line 1: the file holds no routes"),
                arguments("gateway/queue.camel.yaml", "# only words\n", "line 1: the file holds no routes"),
                arguments("worker/leases.camel.yaml", "- route:\n\tid: x\n", "line 2: not valid YAML.*TAB.*"),
                arguments("worker/leases.camel.yaml", "- route: [this is, no route", "line 1: not valid YAML.*"),
                arguments("worker/leases.camel.yaml", "route: {}\n", "line 1: the file must be a list.*"),
                arguments(
                        "worker/leases.camel.yaml",
                        "- route:\n    id: x\n    from:\n      uri: direct:x\n      steps:\n        - toe: direct:y\n",
                        "line 6: .*toe.*"),
                arguments("worker/slot.camel.yaml", "", "line 1: the file holds no routes"),
                arguments(
                        "worker/slot.camel.yaml",
                        text("worker/slot.camel.yaml").replace("id: worker-slot", "id: another"),
                        "line 1: the file must hold the routeTemplate worker-slot"),
                arguments(
                        "worker/slot.camel.yaml",
                        text("worker/slot.camel.yaml").replace("spring-redis:redis", "nosuch:redis"),
                        ".*nosuch.*"),
                arguments(kamelet, "", "line 1: the file holds no kamelet"),
                arguments(kamelet, "apiVersion:\n\tx", "line 2: not valid YAML.*TAB.*"),
                arguments(
                        kamelet,
                        text(kamelet).replace("name: llama-completion", "name: another"),
                        "line \\d+: metadata.name must be llama-completion.*"),
                arguments(
                        kamelet,
                        text(kamelet).replaceFirst("ref: [a-zA-Z]+", "ref: noSuchBean"),
                        "line \\d+: there is no bean noSuchBean"),
                // new files
                arguments("gateway/new.camel.yaml", "- route:\n", "line 1: route holds nothing"),
                arguments(
                        "worker/new.camel.yaml",
                        "- route:\n    id: new\n    from: {uri: 'direct:worker-claim', steps: [{log: x}]}\n",
                        ".*direct.*worker-claim.*"),
                // right by itself, and wrong beside the others: found when it takes the place of the old one
                arguments(
                        "worker/leases.camel.yaml",
                        text("worker/leases.camel.yaml")
                                + "\n- route:\n    id: second\n    from: {uri: 'direct:worker-claim', steps: [{log: x}]}\n",
                        ".*direct.*worker-claim.*"));
    }

    @ParameterizedTest
    @MethodSource("wrongFiles")
    void aWrongFileChangesNothingAndIsSaidInOneLine(String file, String wrong, String reason) throws IOException {
        Path path = routes.resolve(file);
        String whole = Files.exists(path) ? Files.readString(path) : null;
        int before = flux.log().length();
        Files.writeString(path, wrong);
        String sentence = Pattern.quote(file) + " " + reason
                + (whole == null ? "; nothing of it runs" : "; what it held before goes on");
        await().atMost(RELOADED).untilAsserted(() -> assertThat(reload()).matches(sentence));
        List<String> said = flux.log().substring(before).lines().toList();
        assertThat(said).filteredOn(line -> line.matches(".*" + sentence)).hasSize(1);
        assertThat(said).noneMatch(line -> line.startsWith("\tat ") || line.contains("Exception"));
        try (FluxSocket client = flux.connect()) {
            assertServes(client, "despite-" + NUMBERS.incrementAndGet());
        }
        if (whole == null) {
            Files.delete(path);
            awaitSaid(before, file + " is deleted");
        } else {
            Files.writeString(path, whole);
            awaitSaid(before, file + " is live");
        }
        assertThat(reload()).isEqualTo("up");
        try (FluxSocket client = flux.connect()) {
            assertServes(client, "mended-" + NUMBERS.incrementAndGet());
        }
    }

    @Test
    void aFileThatIsEmptiedBeforeItIsWrittenIsOneSave() throws Exception {
        Path path = routes.resolve("gateway/cancel.camel.yaml");
        String whole = Files.readString(path);
        int before = flux.log().length();
        for (int half : new int[] {0, whole.length() / 2}) {
            Files.writeString(path, whole.substring(0, half));
        }
        Files.writeString(path, whole + "# saved\n");
        awaitSaid(before, "gateway/cancel.camel.yaml is live");
        assertThat(flux.log().substring(before)).doesNotContain("WARN", "ERROR", "\tat ");
        assertThat(reload()).isEqualTo("up");
    }

    @Test
    void aDeletedFileIsCalledSoAndWhatItHeldGoesOn() throws IOException {
        Path path = routes.resolve("gateway/queue.camel.yaml");
        String whole = Files.readString(path);
        int before = flux.log().length();
        Files.delete(path);
        awaitSaid(before, "gateway/queue.camel.yaml is deleted; what it held goes on until the next start");
        assertThat(flux.get("/queue/status").statusCode()).isEqualTo(200);
        assertThat(flux.log().substring(before)).doesNotContain("is live");
        before = flux.log().length();
        Files.writeString(path, whole);
        awaitSaid(before, "gateway/queue.camel.yaml is live");
        assertThat(flux.get("/queue/status").statusCode()).isEqualTo(200);
    }

    @Test
    void aRouteThatGetsAnotherIdIsReplaced() throws IOException {
        Path path = Files.writeString(routes.resolve("gateway/own.camel.yaml"), OWN.formatted("own-first", "one"));
        awaitLive(() -> assertThat(flux.get("/own/words").body()).isEqualTo("one"));
        int before = flux.log().length();
        Files.writeString(path, OWN.formatted("own-second", "two"));
        awaitLive(() -> assertThat(flux.get("/own/words").body()).isEqualTo("two"));
        assertThat(reload()).isEqualTo("up");
        Files.delete(path);
        awaitSaid(before, "gateway/own.camel.yaml is deleted");
    }

    /** Whatever is shipped can be edited: the check that comes before takes each of the files. */
    @Test
    void everyShippedFileCanBeSaved() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(routes)) {
            files = all.filter(
                            file -> file.toString().matches(".*/(gateway|worker|connectors|common|engines)/.*\\.yaml"))
                    .sorted()
                    .toList();
        }
        int before = flux.log().length();
        for (Path file : files) {
            Files.writeString(file, Files.readString(file) + "# saved\n");
        }
        for (Path file : files) {
            awaitSaid(before, routes.relativize(file) + " is live");
        }
        assertThat(reload()).isEqualTo("up");
        try (FluxSocket client = flux.connect()) {
            assertServes(client, "all-saved");
        }
    }

    /** What {@code /health} says of saved files; the process is ready all the while. */
    private static String reload() {
        HttpResponse<String> health = flux.get("/health");
        assertThat(health.statusCode()).as(health.body()).isEqualTo(200);
        try {
            return new ObjectMapper()
                    .readTree(health.body())
                    .at("/checks/reload")
                    .asText();
        } catch (JsonProcessingException e) {
            throw new AssertionError(health.body(), e);
        }
    }

    private static void awaitSaid(int since, String words) {
        await(words).atMost(RELOADED).until(() -> flux.log().substring(since).contains(words));
    }

    private static String text(String file) throws IOException {
        return Files.readString(Path.of("routes").resolve(file));
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
