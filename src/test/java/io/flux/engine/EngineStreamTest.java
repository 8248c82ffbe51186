package io.flux.engine;

import static io.flux.engine.FakeEngines.TIMINGS;
import static io.flux.engine.FakeEngines.drain;
import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.isRunning;
import static io.flux.engine.FakeEngines.job;
import static io.flux.engine.FakeEngines.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EngineStreamTest {
    @TempDir
    Path folder;

    private FakeEngines fake;

    @BeforeEach
    void start() {
        fake = new FakeEngines(folder);
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    @Test
    void theFirstChunkIsHandedOutBeforeTheEngineWritesTheSecond() throws IOException, InterruptedException {
        Path gate = folder.resolve("gate");
        assertThat(new ProcessBuilder("mkfifo", gate.toString()).start().waitFor())
                .isZero();
        EngineStream stream = fake.plain("printf Salt; read line < gate; printf ' and foam'");

        assertThat(stream.hasNext()).isTrue();
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        assertThat(stream.hasNext()).isTrue();
        Files.writeString(gate, "go\n");
        assertThat(stream.next()).isEqualTo(new EngineText(" and foam", 0));
        assertThat(stream.hasNext()).isTrue();
        assertThat(((EngineEnd) stream.next()).finish()).isEqualTo(FinishReason.STOP);
        assertThat(stream.hasNext()).isFalse();
        assertThatThrownBy(stream::next).isInstanceOf(NoSuchElementException.class);
        assertThat(fake.engines.running()).isZero();
    }

    @Test
    void anEngineThatHasSaidItsLastIsNotWaitedFor() {
        EngineStream stream =
                fake.llama("printf 'Salt. [end of text]\\n\\n\\n'\n" + TIMINGS + "exec 1>&- 2>&-\nexec sleep 600\n");

        List<EngineOutput> outputs = drain(stream);

        assertThat(text(outputs)).isEqualTo("Salt.");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).completionTokens()).isEqualTo(8);
        await().until(() -> fake.exec.running() == 0);
    }

    @Test
    void aCharacterThatIsSplitBetweenWritesComesWhole() throws IOException, InterruptedException {
        Path gate = folder.resolve("gate");
        assertThat(new ProcessBuilder("mkfifo", gate.toString()).start().waitFor())
                .isZero();
        EngineStream stream = fake.plain("printf 'a\\360\\237'; read line < gate; printf '\\214\\212b'");

        assertThat(stream.next()).isEqualTo(new EngineText("a", 0));
        CompletableFuture<EngineOutput> next = CompletableFuture.supplyAsync(stream::next);
        Files.writeString(gate, "go\n");
        assertThat(next.join()).isEqualTo(new EngineText("🌊b", 0));
    }

    @Test
    void brokenUtf8IsReplacedAndTheAnswerGoesOn() {
        List<EngineOutput> outputs = drain(fake.plain("printf 'a\\377b\\303\\n\\360\\237'"));
        assertThat(text(outputs)).isEqualTo("a\uFFFDb\uFFFD\n\uFFFD");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void aTextThatTheModelEndedFinishesWithStop() {
        List<EngineOutput> outputs = drain(fake.llama("printf 'Salt and foam. [end of text]\\n\\n\\n'\n" + TIMINGS));
        assertThat(text(outputs)).isEqualTo("Salt and foam.");
        EngineEnd end = end(outputs);
        assertThat(end.finish()).isEqualTo(FinishReason.STOP);
        assertThat(end.failure()).isNull();
        assertThat(end.exitCode()).isZero();
        assertThat(end.promptTokens()).isEqualTo(12);
        assertThat(end.completionTokens()).isEqualTo(8);
        assertThat(end.stderrTail()).contains("graph reallocs");
    }

    @Test
    void aTextThatTheBudgetEndedFinishesWithLengthAndKeepsItsOwnNewlines() {
        List<EngineOutput> outputs = drain(fake.llama("printf 'Salt\\n\\n\\n'\n" + TIMINGS));
        assertThat(text(outputs)).isEqualTo("Salt\n");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void anOutputWithoutItsLogIsCutAndWorthAnotherAttempt() {
        List<EngineOutput> outputs = drain(fake.llama("printf 'Salt and [end'"));
        assertThat(text(outputs)).isEqualTo("Salt and");
        assertThat(end(outputs).failure().code()).isEqualTo("output_truncated");
        assertThat(end(outputs).failure().retryable()).isTrue();
        assertThat(end(outputs).exitCode()).isZero();
    }

    @Test
    void anOutputWithItsEndMarkIsWholeThoughTheLogIsCut() {
        List<EngineOutput> outputs = drain(fake.llama("printf 'Salt. [end of text]\\n'"));
        assertThat(text(outputs)).isEqualTo("Salt.");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).completionTokens()).isNull();
    }

    @Test
    void aStopTextEndsTheAnswerAndTheEngine() {
        LiveProcess process = fake.start("printf 'Salt and foam.\\nUs'; printf 'er: more'; exec sleep 1000", "");
        List<EngineOutput> outputs = drain(fake.engines.open(process, job("r", List.of("\nUser:"))));
        assertThat(text(outputs)).isEqualTo("Salt and foam.");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).exitCode()).isNull();
        await().until(() -> !process.isAlive());
    }

    @Test
    void textHeldBackForAStopTextThatDoesNotComeIsHandedOutAtTheEnd() {
        LiveProcess process = fake.start("printf 'Salt Us'", "");
        List<EngineOutput> outputs = drain(fake.engines.openPlain(process, job("r", List.of("User:"))));
        assertThat(text(outputs)).isEqualTo("Salt Us");
    }

    @Test
    void textHeldBackWhenTheEngineBreaksIsLeftToTheNextAttempt() {
        LiveProcess process = fake.start("printf 'Salt Us'; exit 3", "");
        List<EngineOutput> outputs = drain(fake.engines.openPlain(process, job("r", List.of("User:"))));
        assertThat(text(outputs)).isEqualTo("Salt ");
    }

    @Test
    void anEngineThatExitsWithACodeFailsWithThatCodeAndItsStderr() {
        List<EngineOutput> outputs = drain(fake.llama("printf Salt; echo 'cannot go on' >&2; exit 7"));
        assertThat(text(outputs)).isEqualTo("Salt");
        EngineEnd end = end(outputs);
        assertThat(end.failure())
                .isEqualTo(new EngineFailure("engine_failed", "the engine exited with code 7", false, true));
        assertThat(end.exitCode()).isEqualTo(7);
        assertThat(end.stderrTail()).isEqualTo("cannot go on\n");
    }

    @Test
    void anEngineThatIsKilledFailsWithTheSignal() {
        EngineEnd end = end(drain(fake.llama("printf Salt; kill -SEGV $$")));
        assertThat(end.failure().message()).isEqualTo("the engine was killed by signal 11");
        assertThat(end.failure().retryable()).isTrue();
        assertThat(end.exitCode()).isEqualTo(139);
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsError() {
        EngineEnd end = end(drain(fake.llama("echo 'prompt is too long (6002 tokens, max 508)' >&2; exit 1")));
        assertThat(end.failure().code()).isEqualTo("prompt_too_long");
        assertThat(end.failure().clientError()).isTrue();
        assertThat(end.failure().retryable()).isFalse();
    }

    @Test
    void aCommandThatIsNotThereEndsLikeAnyEngineThatFails() {
        LiveProcess process = fake.exec.execute(FakeEngines.command("/nowhere/llama", List.of(), null, ""));
        assertThat(process.getExitValue()).isEqualTo(127);
        List<EngineOutput> outputs = drain(fake.engines.open(process, job()));
        assertThat(outputs).hasSize(1);
        assertThat(end(outputs).failure())
                .isEqualTo(new EngineFailure(
                        "engine_not_found", "the engine 'llama' is not installed on this worker", false, false));
        assertThat(end(outputs).stderrTail()).contains("/nowhere/llama");
        assertThat(fake.engines.running()).isZero();
    }

    @Test
    void anEngineThatFloodsStderrDoesNotBlock() {
        List<EngineOutput> outputs = drain(fake.plain(
                "head -c 20000000 /dev/zero | tr '\\0' x >&2; printf Salt; head -c 200000 /dev/zero | tr '\\0' y >&2"));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).stderrTail()).isEqualTo("y".repeat(4096));
    }

    @Test
    void aPromptThatTheEngineDoesNotReadBlocksNobody() {
        LiveProcess process = fake.start("printf Salt", "x".repeat(1_000_000));
        assertThat(text(drain(fake.engines.openPlain(process, job())))).isEqualTo("Salt");

        LiveProcess hanging = fake.start("exec sleep 1000", "x".repeat(1_000_000));
        EngineStream stream = fake.engines.openPlain(hanging, job());
        stream.stop(StopReason.CANCELLED);
        assertThat(end(drain(stream)).finish()).isEqualTo(FinishReason.CANCELLED);
    }

    @Test
    void aPromptLargerThanAPipeIsReadWhole() {
        LiveProcess process = fake.start("wc -c | tr -d ' \\n'", "x".repeat(1_000_000));
        assertThat(text(drain(fake.engines.openPlain(process, job())))).isEqualTo("1000000");
    }

    @Test
    void anEngineThatClosesStdoutAndDoesNotExitIsKilled() {
        LiveProcess process = fake.start("printf Salt; exec >&-; exec sleep 1000", "");
        List<EngineOutput> outputs = drain(fake.engines.open(process, job()));
        assertThat(text(outputs)).isEqualTo("Salt");
        assertThat(end(outputs).failure().code()).isEqualTo("engine_failed");
        await().until(() -> !process.isAlive());
    }

    @Test
    void aStopWakesTheReaderAndNamesTheReason() {
        for (StopReason reason : StopReason.values()) {
            LiveProcess process = fake.start("printf Salt; exec sleep 1000", "");
            EngineStream stream = fake.engines.open(process, job());
            assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
            CompletableFuture<EngineOutput> last = CompletableFuture.supplyAsync(stream::next);

            assertThat(fake.engines.stop("request-1", reason)).isTrue();
            EngineEnd end = (EngineEnd) last.join();
            assertThat(process.isAlive()).isFalse();
            assertThat(end.exitCode()).isNull();
            switch (reason) {
                case CANCELLED -> assertThat(end.finish()).isEqualTo(FinishReason.CANCELLED);
                case DEADLINE -> assertThat(end.finish()).isEqualTo(FinishReason.DEADLINE);
                case STALLED -> {
                    assertThat(end.failure().code()).isEqualTo("engine_stalled");
                    assertThat(end.failure().retryable()).isTrue();
                }
                case HANDED_OVER -> {
                    assertThat(end.failure().code()).isEqualTo("handed_over");
                    assertThat(end.failure().retryable()).isTrue();
                    assertThat(end.failure().clientError()).isFalse();
                }
                case LOST -> {
                    assertThat(end.failure().code()).isEqualTo("lost");
                    assertThat(end.failure().retryable()).isFalse();
                }
            }
            assertThat(fake.engines.running()).isZero();
        }
    }

    @Test
    void theFirstStopWins() {
        EngineStream stream = fake.llama("exec sleep 1000");
        assertThat(stream.stop(StopReason.DEADLINE)).isTrue();
        assertThat(stream.stop(StopReason.CANCELLED)).isFalse();
        assertThat(end(drain(stream)).finish()).isEqualTo(FinishReason.DEADLINE);
    }

    @Test
    void aStopAfterTheEndChangesNothing() {
        EngineStream stream = fake.plain("printf Salt");
        List<EngineOutput> outputs = drain(stream);
        assertThat(stream.stop(StopReason.CANCELLED)).isFalse();
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(fake.engines.stop("request-1", StopReason.CANCELLED)).isFalse();
    }

    @Test
    void nothingIsHandedOutAfterAStop() {
        EngineStream stream = fake.plain("while :; do echo Salt; done");
        stream.next();
        stream.stop(StopReason.LOST);
        assertThat(drain(stream)).hasSize(1);
    }

    @Test
    void closingAStreamKillsTheEngine() {
        LiveProcess process = fake.start("exec sleep 1000", "");
        fake.engines.open(process, job()).close();
        await().until(() -> !process.isAlive());
        assertThat(fake.engines.running()).isZero();
    }

    @Test
    void aStopKillsTheEnginesChildrenToo() throws IOException {
        EngineStream stream = fake.llama("sleep 1000 & echo $!; wait");
        long child = Long.parseLong(((EngineText) stream.next()).content().strip());
        assertThat(isRunning(child)).isTrue();
        stream.stop(StopReason.CANCELLED);
        assertThat(end(drain(stream)).finish()).isEqualTo(FinishReason.CANCELLED);
        await().until(() -> !isRunning(child));
    }

    @Test
    void anEngineIsStoppedWhenItsRequestsTimeIsOverAndNotBefore() {
        AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // the clock may run over meanwhile
        LiveProcess process = fake.start("printf Salt; exec sleep 1000", "");
        Duration timeLeft = Duration.ofSeconds(10);
        EngineStream stream = new EngineStream(plain(process), job("r", List.of(), timeLeft), now::get, ended -> {});
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        CompletableFuture<EngineOutput> last = CompletableFuture.supplyAsync(stream::next);

        now.addAndGet(timeLeft.toNanos() - 1);
        stream.watch(Long.MAX_VALUE);
        assertThat(process.isAlive()).isTrue();
        now.incrementAndGet();
        stream.watch(Long.MAX_VALUE);
        assertThat(last.join()).isInstanceOfSatisfying(EngineEnd.class, end -> {
            assertThat(end.finish()).isEqualTo(FinishReason.DEADLINE);
            assertThat(end.failure()).isNull();
        });
        assertThat(process.isAlive()).isFalse();
    }

    @Test
    void aRequestsTimeRunsWhileNobodyReadsToo() {
        AtomicLong now = new AtomicLong();
        LiveProcess process = fake.start("while :; do echo Salt; done", "");
        EngineStream stream =
                new EngineStream(plain(process), job("r", List.of(), Duration.ofSeconds(10)), now::get, ended -> {});
        stream.next();
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        stream.watch(Long.MAX_VALUE);
        List<EngineOutput> rest = drain(stream);
        assertThat(rest).hasSize(1);
        assertThat(end(rest).finish()).isEqualTo(FinishReason.DEADLINE);
    }

    @Test
    void aRequestWithoutALimitRunsForAsLongAsItTakes() {
        AtomicLong now = new AtomicLong();
        LiveProcess process = fake.start("printf Salt; exec sleep 1000", "");
        EngineStream stream = new EngineStream(plain(process), job(), now::get, ended -> {});
        stream.next();
        now.addAndGet(Duration.ofDays(365).toNanos());
        stream.watch(Duration.ofSeconds(10).toNanos());
        assertThat(process.isAlive()).isTrue();
        stream.close();
    }

    @Test
    void theStallClockStandsStillWhileTheReaderIsBusy() {
        AtomicLong now = new AtomicLong();
        LiveProcess process = fake.start("printf Salt; exec sleep 1000", "");
        EngineStream stream = new EngineStream(plain(process), job(), now::get, ended -> {});
        long stall = Duration.ofSeconds(10).toNanos();

        now.addAndGet(stall * 2);
        stream.watch(stall);
        assertThat(stream.next()).isEqualTo(new EngineText("Salt", 0));
        now.addAndGet(stall * 2);
        stream.watch(stall);
        assertThat(process.isAlive()).isTrue();

        CompletableFuture<EngineOutput> last = CompletableFuture.supplyAsync(stream::next);
        await().until(() -> {
            now.addAndGet(stall);
            stream.watch(stall);
            return last.isDone();
        });
        assertThat(((EngineEnd) last.join()).failure().code()).isEqualTo("engine_stalled");
    }

    private static EngineRun plain(LiveProcess process) {
        return new ProcessRun(process, job().request(), EngineDialect.PLAIN);
    }
}
