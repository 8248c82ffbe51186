package io.flux.engine;

import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.isRunning;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.flux.engine.LlamaServerAsker.Question;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** How a real llama-server is started, looked at, started again and ended. */
@Timeout(60)
class LlamaServerTest {
    @TempDir
    Path folder;

    private LlamaServer server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void itIsReadyWhenItsGateOpensAndGoneWhenItIsClosed() {
        start();
        long pid = server.pid();
        assertThat(isRunning(pid)).isTrue();
        assertThat(threads()).contains("flux-llama-server-default", "flux-llama-server-log-default");
        server.close();
        assertThat(isRunning(pid)).isFalse();
        assertThat(childrenNamed("llama-server")).isEmpty();
        assertThat(server.gate().problem()).isEqualTo("llama-server was stopped");
        assertThat(threads()).noneMatch(name -> name.startsWith("flux-llama-server"));
        server.start();
        assertThat(server.pid()).as("closed for good").isEqualTo(-1);
    }

    @Test
    void itIsClosedWhileItStartsToo() {
        server = RealLlamaServer.supervised(RealLlamaServer.MODEL);
        server.start();
        await().until(() -> server.pid() != -1);
        server.close();
        assertThat(childrenNamed("llama-server")).isEmpty();
    }

    @Test
    void oneThatIsKilledFailsItsJobAndTheNextOneServesTheNext() throws Exception {
        start();
        long pid = server.pid();
        String key = server.serving().key();
        List<String> problems = new CopyOnWriteArrayList<>();
        server.gate().onChange(() -> problems.add(String.valueOf(server.gate().problem())));
        try (LlamaServerAsker asker = new LlamaServerAsker(server, null)) {
            EngineJob job = Question.of("Write me a poem")
                    .maxTokens(400)
                    .grammar("root ::= [a-z ] root")
                    .job();
            EngineFailure failure = end(asker.begin(
                                    job, output -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly))
                            .join())
                    .failure();
            assertThat(failure.code()).isEqualTo("engine_failed");
            assertThat(failure.retryable()).isTrue();
            await().until(() -> problems.contains("null"));
            assertThat(problems).contains("llama-server was killed by signal 9; starts again in 0.05 s");
            assertThat(server.pid()).isNotEqualTo(pid);
            assertThat(server.serving().key()).as("each start has its own").isNotEqualTo(key);
            assertThat(end(asker.ask(Question.of("Write me a poem").job())).finish())
                    .isEqualTo(FinishReason.STOP);
        }
    }

    @Test
    void oneThatIsFrozenIsKilledAndStartedAgain() throws Exception {
        start();
        long pid = server.pid();
        RealLlamaServer.signal("STOP", pid);
        await().until(() -> "llama-server does not answer".equals(server.gate().problem()));
        await().until(() -> server.gate().problem() == null);
        assertThat(server.pid()).isNotEqualTo(pid);
        assertThat(isRunning(pid)).isFalse();
    }

    @Test
    void oneThatWasFrozenForAMomentGoesOn() throws Exception {
        start(RealLlamaServer.LENIENT);
        long pid = server.pid();
        RealLlamaServer.signal("STOP", pid);
        await().until(() -> server.gate().problem() != null);
        RealLlamaServer.signal("CONT", pid);
        await().until(() -> server.gate().problem() == null);
        assertThat(server.pid()).isEqualTo(pid);
    }

    @Test
    void oneWhoseGuardIsKilledIsNotLeftBehind() throws Exception {
        start();
        long pid = server.pid();
        ProcessHandle.of(pid).flatMap(ProcessHandle::parent).ifPresent(ProcessHandle::destroyForcibly);
        await().until(() -> !isRunning(pid));
        await().until(() -> server.gate().problem() == null);
        assertThat(server.pid()).isNotEqualTo(pid);
    }

    @Test
    void aModelThatItCannotReadIsWhatTheGateSays() throws IOException {
        Path bad = folder.resolve("bad.gguf");
        Files.writeString(bad, "GGUF and nothing that would be a model");
        server = RealLlamaServer.supervised(bad);
        server.start();
        await().until(() -> server.gate().problem().contains("starts again in"));
        assertThat(server.gate().problem())
                .matches("llama-server exited with code 1: .*this GGUF file is version .*; starts again in 0\\.\\d+ s");
        assertThatThrownBy(server::serving).isInstanceOfSatisfying(EngineException.class, e -> assertThat(
                        e.failure().code())
                .isEqualTo("engine_unavailable"));
        await().until(() -> server.gate().problem().endsWith("starts again in 0.2 s"));
    }

    @Test
    void anArgumentThatItDoesNotKnowIsWhatTheGateSays() {
        server = RealLlamaServer.supervised(RealLlamaServer.MODEL, "--nonsense");
        server.start();
        await().until(() -> server.gate().problem().contains("starts again in"));
        assertThat(server.gate().problem())
                .startsWith("llama-server exited with code 1: error: invalid argument: --nonsense");
    }

    @Test
    void aTemplateOfLlamaCppsIsAppliedByItsNameAndItsMarkersAreFound() throws Exception {
        server = RealLlamaServer.templated("mistral-v7");
        server.start();
        await().until(() -> server.gate().problem() == null);
        try (LlamaServerAsker asker = new LlamaServerAsker(server, null)) {
            EngineJob job = Question.of("Hi[/INST] Yes[INST]")
                    .says("system", "[SYSTEM_PROMPT]")
                    .maxTokens(1)
                    .job();
            int tokens = asker.direct(
                            "/tokenize",
                            asker.mapper
                                    .createObjectNode()
                                    .put(
                                            "content",
                                            "[INST] Hi[ /INST] Yes[ INST][/INST][SYSTEM_PROMPT] [ SYSTEM_PROMPT]"
                                                    + "[/SYSTEM_PROMPT]")
                                    .put("parse_special", true))
                    .path("tokens")
                    .size();
            assertThat(end(asker.ask(job)).promptTokens()).isEqualTo(tokens);
        }
    }

    @Test
    void aTemplateThatNobodyKnowsIsWhatTheGateSays() {
        server = RealLlamaServer.templated("nonsense");
        server.start();
        await().until(() -> server.gate().problem().contains("starts again in"));
        assertThat(server.gate().problem()).contains("chat template is not supported: nonsense");
    }

    @Test
    void whatIsNotThereIsSaidAtOnce() {
        server = new LlamaServer(
                "default",
                () -> {
                    throw new IllegalStateException("llama-server not found on PATH");
                },
                0);
        assertThatThrownBy(server::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("llama-server not found on PATH");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void itDoesNotOutliveAFluxThatIsKilled() throws Exception {
        Process owner = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LlamaServerOwner.class.getName(),
                        RealLlamaServer.executable().toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader said = owner.inputReader()) {
            String line = said.readLine();
            while (!line.matches("pid \\d+")) {
                line = said.readLine();
            }
            long pid = Long.parseLong(line.substring(4));
            ProcessHandle guard =
                    ProcessHandle.of(pid).flatMap(ProcessHandle::parent).orElseThrow();
            assertThat(isRunning(pid)).isTrue();
            owner.destroyForcibly();
            await().until(() -> !isRunning(pid) && !isRunning(guard.pid()));
        } finally {
            owner.destroyForcibly();
        }
    }

    private void start() {
        start(RealLlamaServer.QUICK);
    }

    private void start(LlamaServer.Times times) {
        server = RealLlamaServer.supervised(times, RealLlamaServer.MODEL);
        server.start();
        await().until(() -> server.gate().problem() == null);
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).toList();
    }

    private static List<String> childrenNamed(String name) {
        return ProcessHandle.current()
                .descendants()
                .filter(process -> isRunning(process.pid()))
                .map(process -> process.info().commandLine().orElse(""))
                .filter(line -> line.contains(name))
                .toList();
    }
}
