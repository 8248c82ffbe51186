package io.flux.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** OpenAI's official client for Node, as npm installs it. What it does is in {@code client.js}. */
final class OpenAiNodeClient {
    private static final Path SOURCES = Path.of("src", "test", "node");
    private static final int INSTALL_SECONDS = 110;

    private final Path node = Machine.inPath("node");
    private final Path folder;
    private final String key;

    /**
     * @param name of the folder under {@code target} that it is installed in
     * @param key of Flux; any text where there are none
     */
    OpenAiNodeClient(String name, String key) throws IOException, InterruptedException {
        this.folder = Path.of("target", name);
        this.key = key;
        install(Machine.inPath("npm"));
    }

    private void install(Path npm) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        for (String file : List.of("package.json", "client.js")) {
            Files.copy(SOURCES.resolve(file), folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
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

    /** Has it play a scenario against a Flux. */
    Run play(RunningFlux flux, String scenario) throws IOException, InterruptedException {
        String address = flux.http("/").toString().replaceFirst("/$", "");
        return run(90, node.toString(), "client.js", address, scenario);
    }

    /** How it ended, and what it said. */
    record Run(int code, String output) {}

    private Run run(int seconds, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "run", ".log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("OPENAI_API_KEY", key);
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
