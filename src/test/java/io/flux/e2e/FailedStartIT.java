package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Processes that cannot start, for one reason each: all are started at once. */
class FailedStartIT {
    private static final int MAX_LINES = 8;

    @TempDir
    static Path folder;

    private static final Map<String, RunningFlux> STARTED = new LinkedHashMap<>();
    private static ServerSocket taken;

    @BeforeAll
    static void start() throws IOException {
        taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        String redis = TestRedis.empty().url();
        launch("no-redis", flux -> flux.set("FLUX_REDIS_URL", "redis://user:s3cret@127.0.0.1:1"));
        launch("no-redis-for-a-worker", flux -> flux.worker().set("FLUX_REDIS_URL", "redis://127.0.0.1:1"));
        launch("no-such-host", flux -> flux.set("FLUX_REDIS_URL", "redis://redis.invalid"));
        launch("port-taken", flux -> flux.set("FLUX_REDIS_URL", redis).set("FLUX_PORT", taken.getLocalPort()));
        launch("no-number", flux -> flux.set("FLUX_REDIS_URL", redis).set("FLUX_PORT", "eighty"));
        launch("no-routes", flux -> flux.set("FLUX_REDIS_URL", redis).set("FLUX_ROUTES", folder.resolve("nowhere")));
        launch("wrong-route", flux -> flux.set("FLUX_REDIS_URL", redis)
                .set("FLUX_ROUTES", routes("wrong", "- route: {id: wrong, from: {uri: 'nosuch:thing', steps: []}}")));
        launch("no-yaml", flux -> flux.set("FLUX_REDIS_URL", redis)
                .set("FLUX_ROUTES", routes("tabbed", "- route:\n\tid: tabbed\n")));
        launch("data", flux -> flux.set("FLUX_DATA", file("a-file")));
    }

    private static void launch(String name, UnaryOperator<RunningFlux.Setup> setup) {
        STARTED.put(name, setup.apply(RunningFlux.named("start-" + name)).launch());
    }

    /** The shipped routes, and one more of the gateway's. */
    private static Path routes(String name, String text) {
        Path shipped = Path.of("routes");
        Path routes = folder.resolve(name);
        try (var files = Files.walk(shipped)) {
            for (Path file : files.toList()) {
                Files.copy(file, routes.resolve(shipped.relativize(file).toString()));
            }
            Files.writeString(routes.resolve("gateway/wrong.camel.yaml"), text);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return routes;
    }

    private static Path file(String name) {
        try {
            return Files.writeString(folder.resolve(name), "no folder");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @AfterAll
    static void stop() throws IOException {
        RunningFlux.closeAll(STARTED.values().toArray(RunningFlux[]::new));
        if (taken != null) {
            taken.close();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            no-redis              | FLUX_REDIS_URL | 127.0.0.1:1
            no-redis-for-a-worker | FLUX_REDIS_URL | 127.0.0.1:1
            no-such-host          | FLUX_REDIS_URL | redis.invalid:6379
            port-taken            | FLUX_PORT      | cannot listen on 127.0.0.1:
            no-number             | FLUX_PORT      | eighty
            no-routes             | FLUX_ROUTES    | nowhere
            wrong-route           | FLUX_ROUTES    | wrong.camel.yaml
            no-yaml               | FLUX_ROUTES    | wrong.camel.yaml
            data                  | FLUX_DATA      | a-file
            """)
    void aStartThatFailsSaysInAFewLinesWhichOptionIsWrongAndShowsNoStackTrace(
            String name, String option, String value) {
        String log = STARTED.get(name).awaitFailure();
        assertThat(log).contains("Flux cannot start: ", option, value).doesNotContain("\tat ", "s3cret", "Caused by");
        assertThat(log.lines().count()).as(log).isLessThanOrEqualTo(MAX_LINES);
    }
}
