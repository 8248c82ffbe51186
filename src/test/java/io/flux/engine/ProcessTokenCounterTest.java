package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.event.Level;

/** Counting with real processes: little shell scripts that stand for a tokenizer. */
@Timeout(30)
class ProcessTokenCounterTest {
    @TempDir
    Path folder;

    @Test
    void theLastNumberThatTheProgramPrintsIsTheCount() throws IOException {
        assertThat(counter("cat > /dev/null; echo 42").count("x")).hasValue(42);
        assertThat(counter("cat > /dev/null; echo '[1, 2]'; echo 'Total number of tokens: 2'")
                        .count("x"))
                .hasValue(2);
        assertThat(counter("cat > /dev/null; printf 0").count("x")).hasValue(0);
    }

    @Test
    void theTextGoesInAsItIs() throws IOException {
        String text = "Café 🌙 \\n \"quoted\" $HOME\n\n";
        assertThat(counter("cat > " + folder + "/text; wc -c < " + folder + "/text")
                        .count(text))
                .hasValue(text.getBytes(StandardCharsets.UTF_8).length);
        assertThat(folder.resolve("text")).hasContent(text);
    }

    @Test
    void aTextLargerThanAPipeIsCounted() throws IOException {
        assertThat(counter("wc -c").count("x".repeat(1_000_000))).hasValue(1_000_000);
    }

    @Test
    void whatTheProgramSaysOfItselfDoesNotCountAndDoesNotBlockIt() throws IOException {
        assertThat(counter("head -c 1000000 /dev/zero | tr '\\0' 7 >&2; cat > /dev/null; echo 3")
                        .count("x"))
                .hasValue(3);
    }

    @Test
    void aProgramThatFailsOrPrintsNoNumberOrDoesNotReadCountsNothing() throws IOException {
        assertThat(counter("cat > /dev/null; echo 42; exit 1").count("x")).isEmpty();
        assertThat(counter("cat > /dev/null; echo many").count("x")).isEmpty();
        assertThat(counter("cat > /dev/null; echo 42 tokens").count("x")).isEmpty();
        assertThat(counter("cat > /dev/null; echo 99999999999").count("x")).isEmpty();
        assertThat(counter("exit 1").count("x".repeat(1_000_000))).isEmpty();
    }

    @Test
    void aProgramThatIsNotThereCountsNothing() {
        assertThat(new ProcessTokenCounter(() -> List.of("/no/such/tokenizer")).count("x"))
                .isEmpty();
        assertThat(new ProcessTokenCounter(() -> {
                            throw new IllegalStateException("llama-tokenize is not in PATH");
                        })
                        .count("x"))
                .isEmpty();
    }

    @Test
    void theProgramIsLookedForWhenItIsNeeded() throws IOException {
        Path script = folder.resolve("later.sh");
        ProcessTokenCounter counter = new ProcessTokenCounter(() -> List.of("/bin/sh", script.toString()));
        assertThat(counter.count("x")).isEmpty();
        Files.writeString(script, "cat > /dev/null; echo 1");
        assertThat(counter.count("x")).hasValue(1);
    }

    @Test
    void whoeverIsInterruptedWhileItCountsGoesOnInterruptedAndTheProgramIsGone() throws Exception {
        Path pid = folder.resolve("pid");
        ProcessTokenCounter counter = counter("cat > /dev/null; echo 42; exec >&-; echo $$ > " + pid + ".new; mv " + pid
                + ".new " + pid + "; exec sleep 1000");
        CompletableFuture<OptionalInt> count = new CompletableFuture<>();
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            count.complete(counter.count("x"));
            interrupted.complete(Thread.currentThread().isInterrupted());
        });
        thread.start();
        await().until(() -> Files.exists(pid));
        thread.interrupt();
        assertThat(count.get(20, TimeUnit.SECONDS)).isEmpty();
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isTrue();
        long program = Long.parseLong(Files.readString(pid).strip());
        await().until(() -> !FakeEngines.isRunning(program));
    }

    @Test
    void aProgramThatHangsIsKilledAndCountsNothing() throws IOException {
        Path pid = folder.resolve("pid");
        Path script = Files.writeString(folder.resolve("hangs.sh"), "echo $$ > " + pid + "; exec sleep 1000");
        assertThat(new ProcessTokenCounter(
                                () -> List.of("/bin/sh", script.toString()), Duration.ofMillis(500), 0, Level.WARN)
                        .count("x"))
                .isEmpty();
        long program = Long.parseLong(Files.readString(pid).strip());
        await().until(() -> !FakeEngines.isRunning(program));
    }

    @Test
    void withoutATokenizerNothingIsCounted() {
        assertThat(TokenCounter.NONE.count("x")).isEmpty();
    }

    private ProcessTokenCounter counter(String script) throws IOException {
        Path file = Files.createTempFile(folder, "tokenizer", ".sh");
        Files.writeString(file, script);
        return new ProcessTokenCounter(() -> List.of("/bin/sh", file.toString()));
    }
}
