package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.access.KeyHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** OpenAI's official client for Node, as npm installs it, takes Flux for OpenAI. What it does is in {@code client.js}. */
@Timeout(120)
class OpenAiClientIT {
    private static final Path SOURCES = Path.of("src", "test", "node");
    private static final Path FOLDER = Path.of("target", "openai-client");
    private static final String KEY = KeyHash.newKey();
    private static final int INSTALL_SECONDS = 110;

    @TempDir
    static Path folder;

    private static Path node;
    private static RunningFlux flux;

    @BeforeAll
    static void start() throws Exception {
        node = Machine.inPath("node");
        install(Machine.inPath("npm"));
        Path keys = Files.writeString(
                FOLDER.resolve("keys.yaml"),
                "keys:\n  - {tenant: acme, operator: true, sha256: \"%s\"}\n".formatted(KeyHash.hex(KEY)));
        Path models = Files.writeString(
                FOLDER.resolve("models.yaml"),
                """
                models:
                  - {name: default, engine: bundled}
                  - {name: endless, engine: llama-completion, template: none}
                """);
        flux = RunningFlux.named("openai-client")
                .set("FLUX_MODELS", models.toAbsolutePath())
                .set("FLUX_LLAMA_DIR", new FakeEngine(folder.resolve("engine")).folder())
                .redis(TestRedis.empty())
                .set("FLUX_KEYS", keys.toAbsolutePath())
                .set("FLUX_QUEUE_LIMIT", 1)
                .start();
    }

    private static void install(Path npm) throws IOException, InterruptedException {
        Files.createDirectories(FOLDER);
        for (String file : List.of("package.json", "client.js")) {
            Files.copy(SOURCES.resolve(file), FOLDER.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        Run installed = run(
                INSTALL_SECONDS,
                npm.toString(),
                "install",
                "--no-package-lock",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts");
        if (installed.code() != 0) {
            Machine.missing("npm cannot install the client: " + installed.output());
        }
    }

    @AfterAll
    static void stop() {
        if (flux != null) {
            flux.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chatStream",
                "chatStreamHelper",
                "chatWhole",
                "completions",
                "models",
                "jsonSchema",
                "abort",
                "authentication",
                "errors",
                "rateLimit"
            })
    void theOfficialClientRunsUnmodified(String scenario) throws Exception {
        String address = flux.http("/").toString().replaceFirst("/$", "");
        Run run = run(90, node.toString(), "client.js", address, scenario);
        assertThat(run.code()).as(run.output()).isZero();
    }

    private record Run(int code, String output) {}

    private static Run run(int seconds, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(FOLDER, "run", ".log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(FOLDER.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("OPENAI_API_KEY", KEY);
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            String said = Files.readString(output, StandardCharsets.UTF_8);
            return new Run(ended ? process.exitValue() : -1, ended ? said : said + "(not ended)");
        } finally {
            process.destroyForcibly();
            Files.delete(output);
        }
    }
}
