package io.flux.engine;

import static io.flux.engine.FakeEngines.drain;
import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.isRunning;
import static io.flux.engine.FakeEngines.job;
import static io.flux.engine.FakeEngines.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EnginesTest {
    private static final Duration SHORT = Duration.ofMillis(500);

    @TempDir
    Path folder;

    @Test
    void anEngineThatHangsIsStopped() {
        try (FakeEngines fake = new FakeEngines(folder, SHORT)) {
            List<EngineOutput> outputs = drain(fake.llama("printf Salt; exec sleep 1000"));
            assertThat(text(outputs)).isEqualTo("Salt");
            assertThat(end(outputs).failure().code()).isEqualTo("engine_stalled");
            assertThat(fake.engines.running()).isZero();
        }
    }

    @Test
    void anEngineWhoseRequestsTimeIsOverIsStopped() {
        try (FakeEngines fake = new FakeEngines(folder)) {
            LiveProcess process = fake.start("printf Salt; exec sleep 1000", "");
            List<EngineOutput> outputs = drain(fake.engines.open(process, job("r", List.of(), SHORT)));
            assertThat(end(outputs).finish()).isEqualTo(FinishReason.DEADLINE);
            assertThat(fake.engines.running()).isZero();

            LiveProcess late = fake.start("exec sleep 1000", "");
            assertThat(end(drain(fake.engines.open(late, job("r", List.of(), Duration.ZERO))))
                            .finish())
                    .isEqualTo(FinishReason.DEADLINE);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aChildThatOutlivesTheEngineAndHoldsItsStdoutDoesNotHoldTheSlot() throws Exception {
        try (FakeEngines fake = new FakeEngines(folder, SHORT)) {
            CompletableFuture<EngineOutput> last = readBehindAnOutlivingChild(fake);
            assertThat(((EngineEnd) last.join()).failure().code()).isEqualTo("engine_stalled");
            long child =
                    Long.parseLong(Files.readString(folder.resolve("child")).strip());
            await().until(() -> !isRunning(child));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void closingFreesAReaderWhomOnlySuchAChildHolds() throws Exception {
        FakeEngines fake = new FakeEngines(folder);
        CompletableFuture<EngineOutput> last = readBehindAnOutlivingChild(fake);
        fake.close();
        assertThat(((EngineEnd) last.join()).failure().code()).isEqualTo("lost");
    }

    @Test
    void theRegistryKnowsWhoRuns() {
        try (FakeEngines fake = new FakeEngines(folder)) {
            fake.engines.open(fake.start("exec sleep 1000", ""), job("a", List.of()));
            fake.engines.open(fake.start("exec sleep 1000", ""), job("b", List.of()));
            assertThat(fake.engines.running()).isEqualTo(2);
            assertThat(fake.engines.requestIds()).containsExactlyInAnyOrder("a", "b");
            assertThat(fake.engines.stop("c", StopReason.CANCELLED)).isFalse();
        }
    }

    @Test
    void aNewAttemptEndsTheOldOneAndIsNotForgottenWithIt() {
        try (FakeEngines fake = new FakeEngines(folder)) {
            EngineStream first = fake.llama("exec sleep 1000");
            EngineStream second = fake.llama("exec sleep 1000");
            assertThat(end(drain(first)).failure().code()).isEqualTo("lost");
            assertThat(fake.engines.running()).isEqualTo(1);
            assertThat(fake.engines.stop("request-1", StopReason.CANCELLED)).isTrue();
            assertThat(end(drain(second)).finish()).isEqualTo(FinishReason.CANCELLED);
        }
    }

    @Test
    void closingEndsAllEnginesAndThoseThatComeAfter() {
        FakeEngines fake = new FakeEngines(folder);
        EngineStream before = fake.llama("exec sleep 1000");
        fake.engines.close();
        assertThat(end(drain(before)).failure().code()).isEqualTo("lost");
        assertThat(end(drain(fake.llama("exec sleep 1000"))).failure().code()).isEqualTo("lost");
        fake.close();
    }

    @Test
    void aStallTimeMustBePositive() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Engines(Duration.ZERO));
    }

    /**
     * A reader waits while the engine exits and a child of it keeps stdout open. (When nobody reads at that moment, the
     * JDK closes the pipe.)
     */
    private CompletableFuture<EngineOutput> readBehindAnOutlivingChild(FakeEngines fake) throws Exception {
        Path gate = folder.resolve("gate");
        assertThat(new ProcessBuilder("mkfifo", gate.toString()).start().waitFor())
                .isZero();
        LiveProcess process = fake.start("sleep 1000 & echo $! > child; printf Salt; read line < gate; exit 0", "");
        EngineStream stream = fake.engines.open(process, job());
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        CompletableFuture<EngineOutput> last = new CompletableFuture<>();
        Thread reader = new Thread(() -> last.complete(stream.next()), "reader");
        reader.start();
        await().until(() -> Arrays.stream(reader.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("readBytes")));
        Files.writeString(gate, "go\n");
        await().until(() -> !process.isAlive());
        return last;
    }
}
