package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** This machine's llama-server with the shipped model. */
final class RealLlamaServer {
    static final Path MODEL = Path.of("src/main/resources/models/flux-tiny-q8_0.gguf");

    private static final Duration LONG = Duration.ofSeconds(60);

    /** Found ready soon, and left alone. */
    static final LlamaServer.Times PATIENT =
            new LlamaServer.Times(Duration.ofMillis(20), LONG, LONG, LONG, LONG, LONG, LONG);

    /** Probes and pauses that a test need not wait for. */
    static final LlamaServer.Times QUICK = new LlamaServer.Times(
            Duration.ofMillis(20),
            LONG,
            Duration.ofMillis(100),
            Duration.ofMillis(300),
            Duration.ofMillis(50),
            Duration.ofMillis(200),
            LONG);

    /** Looked at often, and never given up. */
    static final LlamaServer.Times LENIENT =
            new LlamaServer.Times(QUICK.poll(), LONG, QUICK.probe(), LONG, QUICK.pause(), QUICK.longestPause(), LONG);

    private RealLlamaServer() {}

    /** Where it is. A test is skipped where it is not, but not in CI. */
    static Path executable() {
        Optional<Path> found = Stream.of(
                        System.getenv("FLUX_LLAMA_DIR"),
                        "",
                        System.getProperty("user.home") + "/.cache/flux/llama.cpp/bin")
                .filter(Objects::nonNull)
                .flatMap(folder -> {
                    try {
                        return Stream.of(EnginePreflight.ofEnvironment(folder).command("llama-server"));
                    } catch (IllegalStateException notHere) {
                        return Stream.empty();
                    }
                })
                .findFirst();
        if ("true".equals(System.getenv("CI"))) {
            assertThat(found).as("llama-server, which CI must have").isPresent();
        }
        Assumptions.assumeTrue(found.isPresent(), "llama-server is not here; set FLUX_LLAMA_DIR");
        return found.orElseThrow();
    }

    static LlamaServer with(int slots, Integer contextTokens) {
        LlamaServerCommand command =
                new LlamaServerCommand(executable(), MODEL, slots, 1, contextTokens, null, List.of());
        return new LlamaServer("default", () -> command, PATIENT);
    }

    static LlamaServer templated(String template) {
        LlamaServerCommand command = new LlamaServerCommand(executable(), MODEL, 1, 1, null, template, List.of());
        return new LlamaServer("default", () -> command, PATIENT);
    }

    /** One that is looked at often. */
    static LlamaServer supervised(Path model, String... args) {
        return supervised(QUICK, model, args);
    }

    static LlamaServer supervised(LlamaServer.Times times, Path model, String... args) {
        LlamaServerCommand command = new LlamaServerCommand(executable(), model, 1, 1, null, null, List.of(args));
        return new LlamaServer("default", () -> command, times);
    }

    /** Sends a process a signal that Java has no name for. */
    static void signal(String name, long pid) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                        .start()
                        .waitFor())
                .isZero();
    }
}
