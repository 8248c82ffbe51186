package io.flux.engine;

import static io.flux.engine.FakeEngines.isRunning;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LiveExecTest {
    @TempDir
    Path folder;

    @Test
    void aProcessIsThereWhileItRunsAndItsExitCodeWhenItHasEnded() {
        try (FakeEngines fake = new FakeEngines(folder)) {
            LiveProcess process = fake.start("read line; exit 7", "");
            await().until(() -> !process.isAlive());
            assertThat(process.getExitValue()).isEqualTo(7);

            LiveProcess running = fake.start("exec sleep 1000", "");
            assertThat(running.isAlive()).isTrue();
            assertThat(running.getExitValue()).isZero();
            assertThat(running.getStderr()).isNull();
            await().until(() -> fake.exec.running() == 1);
        }
    }

    @Test
    void argumentsAndInputArriveAsTheyAre() throws IOException {
        try (LiveExec exec = new LiveExec()) {
            ExecCommand command = FakeEngines.command(
                    "sh", List.of("-c", "printf '%s|' \"$@\"; pwd; cat", "sh", "a b", "\"c\"", ""), folder, "Prompt é");
            LiveProcess process = exec.execute(command);
            assertThat(new String(process.getStdout().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("a b|\"c\"||" + folder.toRealPath() + "\nPrompt é");
        }
    }

    @Test
    void aCommandWithoutInputReadsTheEndAtOnce() throws IOException {
        try (LiveExec exec = new LiveExec()) {
            ExecCommand command = new ExecCommand("cat", List.of(), null, 0L, Set.of(), null, null, false, null);
            assertThat(exec.execute(command).getStdout().readAllBytes()).isEmpty();
        }
    }

    @Test
    void closingKillsProcessesWithTheirChildren() throws IOException {
        FakeEngines fake = new FakeEngines(folder);
        LiveProcess process = fake.start("sleep 1000 & echo $!; wait", "");
        long child = Long.parseLong(
                new BufferedReader(new InputStreamReader(process.getStdout(), StandardCharsets.UTF_8)).readLine());
        fake.close();
        await().until(() -> !process.isAlive() && !isRunning(child));
        assertThat(fake.exec
                        .execute(FakeEngines.command("true", List.of(), null, ""))
                        .startFailure()
                        .message())
                .isEqualTo("the worker is stopping");
    }

    @Test
    void aFileThatIsNoProgramIsAnEngineThatIsNotThere() throws IOException {
        Path file = Files.writeString(folder.resolve("engine"), "");
        try (LiveExec exec = new LiveExec()) {
            LiveProcess process = exec.execute(FakeEngines.command(file.toString(), List.of(), null, ""));
            assertThat(process.startFailure().code()).isEqualTo("engine_not_found");
            assertThat(process.isAlive()).isFalse();
        }
    }

    @Test
    void anEngineDoesNotHearTheTerminalOfItsWorker() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setsid")), "there is no setsid here");
        try (LiveExec exec = new LiveExec()) {
            LiveProcess process =
                    exec.execute(FakeEngines.command("sh", List.of("-c", "cut -d' ' -f6 /proc/$$/stat"), null, ""));
            String session = new String(process.getStdout().readAllBytes(), StandardCharsets.UTF_8).strip();
            assertThat(session).as("a session of its own").isEqualTo(Long.toString(process.pid()));
        }
    }

    @Test
    void aRouteSplitsTheOutputWhileTheEngineWrites() throws Exception {
        Path gate = folder.resolve("gate");
        assertThat(new ProcessBuilder("mkfifo", gate.toString()).start().waitFor())
                .isZero();
        Path script = Files.writeString(folder.resolve("engine.sh"), "printf Salt; read line < gate; printf foam");
        List<EngineOutput> routed = Collections.synchronizedList(new ArrayList<>());
        try (FakeEngines fake = new FakeEngines(folder);
                DefaultCamelContext camel = new DefaultCamelContext()) {
            camel.getRegistry().bind("liveExec", fake.exec);
            camel.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("direct:run")
                            .setHeader("CamelExecCommandArgs", () -> List.of(script.toString()))
                            .to("exec:/bin/sh?commandExecutor=#liveExec&workingDir=" + folder)
                            .process(exchange -> exchange.getMessage()
                                    .setBody(fake.engines.openPlain(
                                            exchange.getMessage().getBody(LiveProcess.class), FakeEngines.job())))
                            .split(body())
                            .streaming()
                            .process(
                                    exchange -> routed.add(exchange.getMessage().getBody(EngineOutput.class)));
                }
            });
            camel.setStreamCaching(false);
            camel.start();
            var answer = camel.createProducerTemplate().asyncSendBody("direct:run", "prompt");
            await().until(() -> routed.size() == 1);
            assertThat(routed).containsExactly(new EngineText("Salt", 0));
            Files.writeString(gate, "go\n");
            answer.get();
            assertThat(FakeEngines.text(routed)).isEqualTo("Saltfoam");
            assertThat(FakeEngines.end(routed).finish()).isEqualTo(FinishReason.STOP);
        }
    }
}
