package io.flux.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The fuzzer of HTTP APIs, from its Python package and in an environment of its own under {@code target}: it reads
 * {@code /openapi.json} and holds a running Flux to it.
 */
final class Schemathesis {
    private static final Path SOURCES = Path.of("src", "test", "python");
    private static final Path FOLDER = Path.of("target", "schemathesis");
    private static final Path PROGRAM = FOLDER.resolve("venv/bin/schemathesis").toAbsolutePath();
    private static final long INSTALL_SECONDS = 240;
    private static final long RUN_SECONDS = 300;

    private Schemathesis() {}

    /** How it ended, and what it said. */
    record Run(int code, String output) {}

    /** Installs the version that {@code requirements.txt} names, unless it is there; the test is skipped where that fails. */
    static void install() throws IOException, InterruptedException {
        Path python = Machine.inPath("python3");
        Files.createDirectories(FOLDER);
        for (String file : List.of("requirements.txt", "schemathesis.toml")) {
            Files.copy(SOURCES.resolve(file), FOLDER.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        String wanted = Files.readAllLines(FOLDER.resolve("requirements.txt")).stream()
                .filter(line -> line.startsWith("schemathesis=="))
                .findFirst()
                .orElseThrow()
                .replace("schemathesis==", "");
        if (Files.isExecutable(PROGRAM)
                && run(INSTALL_SECONDS, PROGRAM.toString(), "--version")
                        .output()
                        .contains(wanted)) {
            return;
        }
        Run environment = run(INSTALL_SECONDS, python.toString(), "-m", "venv", "--clear", "venv");
        if (environment.code() != 0) {
            Machine.missing("python3 cannot make a virtual environment (python3-venv?): " + environment.output());
        }
        Run installed = run(
                INSTALL_SECONDS,
                PROGRAM.resolveSibling("pip").toString(),
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
                "requirements.txt");
        if (installed.code() != 0) {
            Machine.missing("pip cannot install schemathesis: " + installed.output());
        }
    }

    /**
     * Has it ask for everything, with the same requests each time.
     *
     * @param phases of its run, separated by commas
     * @param seed of the requests
     * @param examples how many requests of each operation and phase, about
     * @param options more of them
     */
    static Run fuzz(RunningFlux flux, String phases, long seed, int examples, String... options)
            throws IOException, InterruptedException {
        String address = flux.http("/").toString().replaceFirst("/$", "");
        List<String> command = new ArrayList<>(List.of(
                PROGRAM.toString(),
                "--config-file",
                "schemathesis.toml",
                "run",
                address + "/openapi.json",
                "--url",
                address,
                "--phases",
                phases,
                "--max-examples",
                Integer.toString(examples),
                "--seed",
                Long.toString(seed),
                "--continue-on-failure",
                "--no-color",
                "--request-timeout",
                "30"));
        command.addAll(List.of(options));
        return run(RUN_SECONDS, command.toArray(String[]::new));
    }

    private static Run run(long seconds, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(FOLDER, "run", ".log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(FOLDER.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        // A cache of what earlier runs have found would make runs differ.
        builder.environment().put("HYPOTHESIS_STORAGE_DIRECTORY", output.toAbsolutePath() + ".hypothesis");
        builder.environment().put("PYTHONIOENCODING", "utf-8");
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            String said = Files.readString(output, StandardCharsets.UTF_8);
            return new Run(ended ? process.exitValue() : -1, ended ? said : said + "(not ended)");
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
