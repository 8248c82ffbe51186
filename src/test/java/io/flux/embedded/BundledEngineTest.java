package io.flux.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The bundled engine as Flux runs it: a process with llama-completion's flags, and the shipped model. */
@Timeout(120)
class BundledEngineTest {
    private static final String QUESTION = "<|im_start|>user\nWhat is Redis?<|im_end|>\n<|im_start|>assistant\n";
    private static final String POEM = "<|im_start|>user\nWrite me a poem<|im_end|>\n<|im_start|>assistant\n";
    private static final String END = " [end of text]\n\n";
    private static final int MOST_CUT_RUNS = 50;

    @TempDir
    static Path folder;

    private static BundledEngineCommand command;

    /** How a run ended and what it wrote. */
    private record Run(int code, byte[] out, String err) {
        /** Fails on bytes that are no UTF-8. */
        String text() throws CharacterCodingException {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(out)).toString();
        }
    }

    @BeforeAll
    static void prepare() {
        command = BundledEngineCommand.prepare(folder.resolve("engine"));
    }

    @Test
    void itAnswersAndSaysThatTheTextIsWhole() throws Exception {
        Run run = run(QUESTION, "-n", "100", "--temp", "0");
        assertThat(run.code()).isZero();
        assertThat(run.text()).contains("Redis").endsWith(END);
        assertThat(run.err().strip().lines().reduce((first, last) -> last).orElseThrow())
                .as("what tells a whole output from a cut one")
                .contains("graph reallocs");
        assertThat(run.err())
                .containsPattern("prompt eval time = .* ms / +\\d+ tokens")
                .containsPattern(" eval time = .* ms / +\\d+ runs");
    }

    @Test
    void stdoutHoldsTheTextAndNothingElse() throws Exception {
        String whole = run(QUESTION, "-n", "100", "--temp", "0").text();
        assertThat(whole).as("the JVM and llama.cpp keep quiet").startsWith("Redis").doesNotContain("<|im_", "llama_", "WARNING");
        assertThat(whole.substring(0, whole.length() - END.length())).doesNotContain("\n\n\n", "[end of text]");
    }

    @Test
    void aBudgetThatIsUsedUpLeavesTheMarkOfTheEndOut() throws Exception {
        Run run = run(POEM, "-n", "5", "--temp", "0");
        assertThat(run.code()).isZero();
        assertThat(run.text()).endsWith("\n\n").doesNotContain("[end of text]");
        assertThat(run.err()).containsPattern(" eval time = .* ms / +4 runs");
    }

    @Test
    void theContextsEndIsAnEndByLength() throws Exception {
        Run run = run("word ".repeat(230), "-n", "2000", "--temp", "0", "-c", "256");
        assertThat(run.code()).isIn(0, 1);
        if (run.code() == 0) {
            assertThat(run.text()).endsWith("\n\n");
        }
    }

    @Test
    void aPromptLongerThanTheContextIsRefused() throws Exception {
        Run run = run("word ".repeat(2000), "-n", "8");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).containsPattern("prompt is too long \\(\\d+ tokens, max 508\\)");
    }

    @Test
    void anArgumentThatItDoesNotKnowIsNamed() throws Exception {
        Run run = run("x", "--no-such-flag", "1");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("invalid argument: --no-such-flag");
    }

    @Test
    void aModelThatIsNotThereIsAnError() throws Exception {
        Run run = start(List.of(), List.of("-m", folder.resolve("none.gguf").toString(), "-n", "4"), "x");
        assertThat(run.code()).isNotZero();
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).isNotBlank();
    }

    /** The model knows no emoji as one token: each comes in several pieces of bytes. */
    @Test
    void charactersOfSeveralTokensAreNotBroken() throws Exception {
        String before = "<|im_start|>user\nSay 🌙<|im_end|>\n<|im_start|>assistant\n🌙 é — 🌙 é — 🌙 é — ";
        for (int budget : new int[] {3, 4, 5, 6, 7, 24}) {
            Run run = run(before, "-n", Integer.toString(budget), "--temp", "0");
            assertThat(run.code()).isZero();
            assertThat(run.text()).as("decodes as UTF-8").doesNotContain("\uFFFD");
        }
    }

    @Test
    void aPromptArrivesAsItIs() throws Exception {
        assertThat(promptTokens("a\n\n")).as("only the added newline is taken off").isEqualTo(promptTokens("a") + 2);
        assertThat(promptTokens("a\\nb")).isEqualTo(4);
        assertThat(promptTokens("<|im_end|>")).isEqualTo(1);
    }

    private int promptTokens(String prompt) throws Exception {
        String err = run(prompt, "-n", "1").err();
        return Integer.parseInt(err.replaceAll("(?s).*prompt eval time = \\S+ ms / +(\\d+) tokens.*", "$1"));
    }

    @Test
    void itLeavesNothingInTheTemporaryFolder() throws Exception {
        Path temp = Files.createDirectories(folder.resolve("temp"));
        Run run = start(
                List.of("-Djava.io.tmpdir=" + temp),
                List.of("-m", command.modelFile().toString(), "-n", "4"),
                QUESTION);
        assertThat(run.code()).isZero();
        try (Stream<Path> left = Files.list(temp)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void twoMayUnpackIntoOneFolderAtOnce() throws Exception {
        Path shared = folder.resolve("shared folder");
        ExecutorService executor = Executors.newFixedThreadPool(4);
        try {
            List<Callable<BundledEngineCommand>> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                tasks.add(() -> BundledEngineCommand.prepare(shared));
            }
            for (Future<BundledEngineCommand> prepared : executor.invokeAll(tasks)) {
                assertThat(prepared.get().modelFile())
                        .hasSameBinaryContentAs(Path.of("src/main/resources/models/flux-tiny-q8_0.gguf"));
            }
        } finally {
            executor.shutdownNow();
        }
        try (Stream<Path> files = Files.list(shared)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("flux-tiny-q8_0.gguf", System.mapLibraryName("jllama"), "tmp");
        }
    }

    @Test
    void aFileThatWasCutIsUnpackedAnew() throws IOException {
        Path model = BundledEngineCommand.unpackModel(folder.resolve("cut"));
        long size = Files.size(model);
        Files.write(model, new byte[10]);
        assertThat(BundledEngineCommand.unpackModel(folder.resolve("cut"))).hasSize(size);
    }

    @Test
    void aFolderThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> BundledEngineCommand.prepare(file.resolve("engine")))
                .hasMessageContaining(file.resolve("engine").toString());
    }

    @Test
    void withoutChanceItWritesWhatLlamaCompletionWrites() throws Exception {
        Optional<Path> real = Stream.of(
                        System.getenv("FLUX_LLAMA_DIR"),
                        System.getProperty("user.home") + "/.cache/flux/llama.cpp/bin",
                        System.getenv("PATH"))
                .filter(Objects::nonNull)
                .flatMap(path -> Stream.of(path.split(":")))
                .map(path -> Path.of(path, "llama-completion"))
                .filter(Files::isExecutable)
                .findFirst();
        if (System.getenv("CI") != null) {
            assertThat(real).as("llama-completion, which CI must have").isPresent();
        }
        Assumptions.assumeTrue(real.isPresent(), "llama-completion is not here; set FLUX_LLAMA_DIR");
        for (String prompt : List.of(POEM, QUESTION)) {
            String[] flags = {"-n", "48", "--temp", "0", "-t", "1", "-tb", "1", "--poll", "0", "-no-cnv", "--no-display-prompt"};
            assertThat(run(prompt, flags).text()).isEqualTo(whole(real.orElseThrow(), prompt, flags));
        }
    }

    /** It loses the end of its output now and then: only a run that logged to its end is whole. */
    private static String whole(Path real, String prompt, String... flags) throws Exception {
        List<String> line = new ArrayList<>(
                List.of(real.toString(), "-m", command.modelFile().toString(), "-f", "/dev/stdin"));
        line.addAll(List.of(flags));
        for (int run = 0; run < MOST_CUT_RUNS; run++) {
            Run result = execute(line, prompt);
            if (result.code() == 0 && result.err().contains("graph reallocs")) {
                return result.text();
            }
        }
        throw new AssertionError("the output was cut " + MOST_CUT_RUNS + " times");
    }

    private static Run run(String prompt, String... flags) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("-m", command.modelFile().toString(), "-f", "/dev/stdin"));
        arguments.addAll(List.of(flags));
        return start(List.of(), arguments, prompt);
    }

    private static Run start(List<String> jvm, List<String> arguments, String prompt) throws Exception {
        List<String> line = new ArrayList<>();
        line.add(command.executable());
        line.addAll(jvm);
        line.addAll(command.leadingArguments());
        line.addAll(arguments);
        return execute(line, prompt);
    }

    private static Run execute(List<String> line, String prompt) throws Exception {
        Path err = Files.createTempFile(folder, "stderr", ".log");
        Process process = new ProcessBuilder(line).redirectError(err.toFile()).start();
        try (OutputStream in = process.getOutputStream()) {
            in.write((prompt + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // it did not want to read
        }
        byte[] out = process.getInputStream().readAllBytes();
        return new Run(process.waitFor(), out, Files.readString(err, StandardCharsets.ISO_8859_1));
    }
}
