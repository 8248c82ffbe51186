package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a terminal is written: nothing that it would obey. */
@Timeout(60)
class TerminalOutputTest {
    private static final String ATTACK = "a\u001b]0;title\u0007\u001b[2J\u009b31m\u202egnp\u2069\u007fz\r\nline\tend";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final TerminalOutput terminal = new TerminalOutput(out);

    @Test
    void whatATerminalObeysIsReplacedAndWordsStay() throws IOException {
        terminal.write(ATTACK.getBytes(StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo("a\uFFFD]0;title\uFFFD\uFFFD[2J\uFFFD31m\uFFFDgnp\uFFFD\uFFFDz\nline\tend");
    }

    @Test
    void wordsOfAllLanguagesStay() throws IOException {
        String words = "Salty 🌊 foam, 日本語, עברית, e\u0301\n\n\tdone\n";
        terminal.write(words.getBytes(StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(words);
    }

    @Test
    void aLineEndThatComesInTwoPiecesIsOne() throws IOException {
        for (String piece : new String[] {"a\r", "\nb\r", "", "\n", "\n"}) {
            terminal.write(piece.getBytes(StandardCharsets.UTF_8));
        }
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("a\nb\n\n");
    }

    /** The program itself: on a terminal, as the launcher says, and through a pipe. */
    @ParameterizedTest
    @CsvSource({"1, true", "02, false"})
    void askWritesControlSequencesToAPipeOnly(String terminals, boolean replaced) throws Exception {
        try (FakeFlux flux = new FakeFlux((client, message) ->
                client.ticket().start().token(2, "a\u001b[2Jb").complete(3))) {
            Process ask = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Dflux.terminals=" + terminals,
                            "-cp",
                            System.getProperty("java.class.path"),
                            Ask.class.getName(),
                            "--url",
                            flux.url(),
                            "Write")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String said = new String(ask.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            await().atMost(30, TimeUnit.SECONDS).until(() -> !ask.isAlive());
            assertThat(said).isEqualTo(replaced ? "a\uFFFD[2Jb\n" : "a\u001b[2Jb\n");
        }
    }
}
