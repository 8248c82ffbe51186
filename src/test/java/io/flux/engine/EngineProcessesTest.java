package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What engines find in their environment, and what memory they get. */
@Timeout(60)
class EngineProcessesTest {
    private static final long MB = 1024 * 1024;
    /** What shells add, and Flux itself. */
    private static final List<String> ADDED =
            List.of("PWD", "OLDPWD", "SHLVL", "_", "OMP_WAIT_POLICY", "GGML_NO_BACKTRACE");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "FLUX_REDIS_URL",
                "FLUX_REDIS_PASSWORD",
                "FLUX_CALLBACK_SECRET",
                "FLUX_OPENAI_KEY",
                "FLUX_JMS_PASSWORD",
                "FLUX_KEY",
                "FLUX_DATA",
                "SPRING_DATA_REDIS_URL",
                "REDISCLI_AUTH",
                "OTEL_EXPORTER_OTLP_HEADERS",
                "AWS_SECRET_ACCESS_KEY",
                "OPENAI_API_KEY",
                "HF_TOKEN",
                "LLAMA_API_KEY",
                "LLAMA_ARG_HF_TOKEN",
                "JAVA_TOOL_OPTIONS",
                "KUBERNETES_SERVICE_HOST"
            })
    void fluxsOwnEnvironmentIsNotForEngines(String name) {
        assertThat(EngineProcesses.isForEngines(name)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PATH",
                "HOME",
                "LANG",
                "LC_ALL",
                "LD_LIBRARY_PATH",
                "CUDA_VISIBLE_DEVICES",
                "NVIDIA_VISIBLE_DEVICES",
                "HSA_OVERRIDE_GFX_VERSION",
                "GGML_CUDA_ENABLE_UNIFIED_MEMORY",
                "LLAMA_ARG_CACHE_REUSE",
                "OMP_NUM_THREADS",
                "FLUX_ENGINE_ANYTHING"
            })
    void whatEnginesAreSetUpWithIs(String name) {
        assertThat(EngineProcesses.isForEngines(name)).isTrue();
    }

    @Test
    void everyWayToStartAnEngineKeepsToIt() throws Exception {
        assertThat(System.getenv().keySet())
                .as("what must not arrive")
                .anyMatch(name -> !EngineProcesses.isForEngines(name));
        try (LiveExec exec = new LiveExec()) {
            assertOnlyForEngines(exec.execute(FakeEngines.command("env", List.of(), null, ""))
                    .getStdout()
                    .readAllBytes());
        }
        GuardedProcess guarded = GuardedProcess.start(List.of("env"), Map.of("GGML_NO_BACKTRACE", "1"), 0);
        try {
            assertOnlyForEngines(guarded.output().readAllBytes());
        } finally {
            guarded.stop(Duration.ofSeconds(1));
        }
        assertOnlyForEngines(EngineProcesses.builder(List.of("env"), 512 * MB)
                .start()
                .getInputStream()
                .readAllBytes());
    }

    private static void assertOnlyForEngines(byte[] printed) {
        List<String> names = new String(printed, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.matches("[A-Za-z_][A-Za-z0-9_]*=.*"))
                .map(line -> line.substring(0, line.indexOf('=')))
                .collect(Collectors.toList());
        assertThat(names).contains("PATH").allMatch(name -> EngineProcesses.isForEngines(name) || ADDED.contains(name));
    }

    @Test
    void aProcessGetsTheMemoryThatItMayUseAndNoMore() throws Exception {
        assumeLinux();
        String limit = "ulimit -d";
        try (LiveExec exec = new LiveExec(300 * MB)) {
            assertThat(text(exec.execute(FakeEngines.command("sh", List.of("-c", limit), null, ""))))
                    .isEqualTo("307200");
        }
        GuardedProcess guarded = GuardedProcess.start(List.of("sh", "-c", limit), Map.of(), 300 * MB);
        try {
            assertThat(new String(guarded.output().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualToIgnoringNewLines("307200");
        } finally {
            guarded.stop(Duration.ofSeconds(1));
        }
        try (LiveExec exec = new LiveExec()) {
            assertThat(text(exec.execute(FakeEngines.command("sh", List.of("-c", limit), null, ""))))
                    .isEqualTo("unlimited");
        }
    }

    /** A JVM is a program that reserves more than it uses: what is only reserved does not count. */
    @Test
    void anEngineThatRunsIntoItsBoundEndsAndTheClientHearsWhy() throws Exception {
        assumeLinux();
        try (FakeEngines fake = new FakeEngines(folder, new LiveExec(64 * MB))) {
            EngineEnd end =
                    FakeEngines.end(FakeEngines.drain(fake.llama("exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'")));
            assertThat(end.failure().code()).isEqualTo(EngineFailure.ENGINE_FAILED);
            assertThat(end.failure().message()).isEqualTo("the engine ran out of memory: it may use 64 MB");
            assertThat(end.failure().retryable()).isTrue();
        }
    }

    @Test
    void aCommandKeepsItsArgumentsItsProcessAndItsExitCode() throws Exception {
        assumeLinux();
        try (LiveExec exec = new LiveExec(300 * MB)) {
            LiveProcess process = exec.execute(FakeEngines.command(
                    "sh", List.of("-c", "echo $$ \"$@\"; exit 7", "sh", "a b", "", "$c"), null, ""));
            assertThat(text(process)).isEqualTo(process.pid() + " a b  $c");
            assertThat(process.awaitEnd(Duration.ofSeconds(20))).isTrue();
            assertThat(process.getExitValue()).isEqualTo(7);
        }
    }

    private static String text(LiveProcess process) throws IOException {
        return new String(process.getStdout().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    private static void assumeLinux() {
        assumeTrue(System.getProperty("os.name").contains("Linux"), "only Linux keeps the bound");
    }
}
