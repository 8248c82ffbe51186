package io.flux.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bundled engine as a process, and beside llama-completion where that is here. */
@Timeout(180)
class BundledEngineTest {
    private static final String REALLOCS =
            "common_perf_print:   graph reallocs =          0    /     0        (same size) / (changed size)";
    /** llama-completion's output is cut now and then; its log tells. */
    private static final int MOST_CUT_RUNS = 50;

    private static final int ENGINES = 4;

    @TempDir
    private static Path temp;

    private static BundledEngineCommand engine;

    @BeforeAll
    static void unpack() {
        engine = BundledEngineCommand.prepare(temp.resolve("an engine"));
    }

    @Test
    void anAnswerEndsAsLlamaCompletionEndsIt() throws Exception {
        Run run = run(chat("What is Redis?"), "-n", "100", "--temp", "0");
        assertThat(run.text()).startsWith("Redis is a ").endsWith("programs. [end of text]\n\n\n");
        assertThat(run.code).isZero();
        assertThat(run.lastLine()).isEqualTo(REALLOCS);
        assertThat(run.stderr)
                .containsPattern(
                        "\ncommon_perf_print: prompt eval time = +[0-9.]+ ms / +14 tokens \\( *[0-9.]+ ms per token, +[0-9.]+ tokens per second\\)\n")
                .containsPattern(
                        "\ncommon_perf_print: +eval time = +[0-9.]+ ms / +50 runs   \\( *[0-9.]+ ms per token, +[0-9.]+ tokens per second\\)\n")
                .containsPattern("\ncommon_perf_print: +samplers time = +- ms / +65 tokens\n");
    }

    @Test
    void aBudgetEndsWithoutTheMarkAndIsCounted() throws Exception {
        sideBySide(List.of(1, 2, 5, 50), budget -> {
            Run run = run(chat("What is Redis?"), "-n", Integer.toString(budget), "--temp", "0");
            assertThat(run.text()).endsWith("\n\n").doesNotContain("[end of text]");
            assertThat(run.counts()).containsExactly(14, budget);
        });
        assertThat(run(chat("What is Redis?"), "-n", "51", "--temp", "0").text())
                .as("the 51st token is the one that ends the text")
                .endsWith(" [end of text]\n\n\n");
    }

    @Test
    void theContextIsFilledToItsEndAndNoFurther() throws Exception {
        Run run = run("word ".repeat(253), "-n", "100", "--temp", "0");
        assertThat(run.code).isZero();
        assertThat(run.text()).endsWith("\n\n").doesNotContain("[end of text]");
        assertThat(run.counts()).containsExactly(508, 4);
        assertThat(run.lastLine()).isEqualTo(REALLOCS);
    }

    @Test
    void aPromptLongerThanTheContextIsRefused() throws Exception {
        Run run = run("word ".repeat(3000), "-n", "10");
        assertThat(run.code).isEqualTo(1);
        assertThat(run.out).isEmpty();
        assertThat(run.lastLine()).isEqualTo("llama_completion: prompt is too long (6002 tokens, max 508)");
        Run shorter = run("word ".repeat(200), "-n", "10", "-c", "256");
        assertThat(shorter.lastLine()).endsWith("prompt is too long (402 tokens, max 252)");
    }

    @Test
    void specialTokensAndOneNewlineAreReadAsLlamaCompletionReadsThem() throws Exception {
        assertThat(run("<|im_end|>", "-n", "1").counts()[0]).isEqualTo(1);
        assertThat(run("a\\nb", "-n", "1").counts()[0]).isEqualTo(4);
        assertThat(run("a\n\n", "-n", "1").counts()[0]).isEqualTo(3);
    }

    @Test
    void itCountsTokensAsItReadsThem() throws Exception {
        List<String> prompts = List.of(
                chat("What is Redis?"), "a\\nb", "a\n\n", "<|im_end|>", "Café 🌙 naïve — ok?", "word ".repeat(253));
        sideBySide(prompts, prompt -> {
            Run count = count(prompt);
            assertThat(count.code).isZero();
            assertThat(count.text())
                    .as(prompt)
                    .isEqualTo(Integer.toString(run(prompt, "-n", "1").counts()[0]));
        });
        assertThat(count("word ".repeat(3000)).text())
                .as("a text longer than the context can be counted too")
                .isEqualTo("6002");
        assertThat(count("").text()).isEqualTo("0");
    }

    @Test
    void itCountsTheTokensThatItHasWritten() throws Exception {
        sideBySide(List.of(1, 5, 24), budget -> {
            String text = run(chat("What is Redis?"), "-n", Integer.toString(budget), "--temp", "0")
                    .text();
            assertThat(text).endsWith("\n\n");
            text = text.substring(0, text.length() - 2);
            assertThat(Integer.parseInt(count(chat("What is Redis?") + text).text()))
                    .as(text)
                    .isEqualTo(14 + budget);
        });
    }

    @Test
    void anEmptyPromptAndAnUnknownFlagAreErrors() throws Exception {
        Run empty = run("", "-n", "1");
        assertThat(empty.code).isEqualTo(1);
        assertThat(empty.stderr).contains("input is empty");
        Run unknown = run("a", "--no-such-flag", "1");
        assertThat(unknown.code).isEqualTo(1);
        assertThat(unknown.stderr).isEqualTo("error: invalid argument: --no-such-flag\n");
        assertThat(run("a", "-n", "many").stderr).isEqualTo("error: invalid value for -n: many\n");
        Run missing = run("a", "-m", "/no/such/model.gguf");
        assertThat(missing.code).isEqualTo(1);
        // llama.cpp's own log comes from a thread of its own, before or after.
        assertThat(missing.stderr.split("\n")).anyMatch(line -> line.startsWith("error: could not load model"));
    }

    @Test
    void anAnswerKeepsToItsSchema() throws Exception {
        Run run = constrained(
                "--json-schema",
                """
                {"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":0,"maximum":99}},
                 "required":["ok","n"],"additionalProperties":false}
                """);
        assertThat(run.code).isZero();
        assertThat(run.text()).endsWith(" [end of text]\n\n\n");
        JsonNode answer = new ObjectMapper().readTree(run.text().replace(" [end of text]", ""));
        assertThat(answer.fieldNames()).toIterable().containsExactly("ok", "n");
        assertThat(answer.get("ok").isBoolean()).isTrue();
        assertThat(answer.get("n").intValue()).isBetween(0, 99);
        assertThat(run.counts()[0])
                .as("all of the prompt, and nothing else that was asked")
                .isEqualTo(14);
    }

    static Stream<List<String>> grammars() {
        return Stream.of(
                List.of("root ::= \"yes\"", "yes"),
                List.of("root ::= \"\\u00e9\\U0001f319\\\\\\\"\"", "é🌙\\\\\""),
                List.of("# x\n  root::=\"<\" a{2} \">\" # root\n\ta ::= \"a\"\n\n", "<aa>"),
                List.of("root ::= \"a\" end\nend ::= \"b\" |", "ab?"),
                List.of("root ::= \"a\" root | \"b\"", "a*b?"));
    }

    /** The second is what matches its answers. */
    @ParameterizedTest
    @MethodSource("grammars")
    void anAnswerKeepsToItsGrammar(List<String> grammar) throws Exception {
        Run run = constrained("--grammar", grammar.get(0));
        assertThat(run.code).isZero();
        assertThat(run.text().replace(" [end of text]", "").strip()).matches(grammar.get(1));
    }

    /** llama.cpp's server code, which is behind the JNI, goes on without a grammar that it does not understand. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "root ::= \"yes",
                "root ::= [yes",
                "root ::= (\"yes\"",
                "root ::= \"yes\" )",
                "root ::= other",
                "root ::= \"\\q\"",
                "x ::= \"no root\"",
                "root ::= root \"a\"",
                "root ::= a\na ::= b\nb ::= a \"x\"",
                "yes"
            })
    void aGrammarThatItDoesNotUnderstandIsRefusedInLlamaCompletionsWords(String grammar) throws Exception {
        Run run = constrained("--grammar", grammar);
        assertThat(run.code).isEqualTo(1);
        assertThat(run.out).isEmpty();
        assertThat(run.stderr).contains("llama_completion: failed to parse grammar\n");
    }

    @Test
    void aSchemaThatItDoesNotUnderstandIsRefusedInLlamaCompletionsWords() throws Exception {
        Run run = constrained("--json-schema", "{\"type\":\"wrong\"}");
        assertThat(run.code).isNotZero();
        assertThat(run.out).isEmpty();
        assertThat(run.stderr).contains("JSON schema conversion failed:\nUnrecognized schema: {\"type\":\"wrong\"}");
    }

    @Test
    void theDeepestGrammarAndSchemaOfARequestDoNoHarm() throws Exception {
        int deep = (32 * 1024 - "root ::= \"a\"".length()) / 2;
        assertThat(constrained("--grammar", "root ::= " + "(".repeat(deep) + "\"a\"" + ")".repeat(deep))
                        .text())
                .startsWith("a [end");
        assertThat(constrained("--json-schema", "{\"items\":".repeat(99) + "{}" + "}".repeat(99)).code)
                .isZero();
    }

    private static Run constrained(String flag, String value) throws IOException, InterruptedException {
        return run(chat("What is Redis?"), "-n", "60", "--temp", "0", flag, value);
    }

    /** Without a bound it takes 7 GB of memory. */
    @Test
    void aSchemaThatAsksForMoreMemoryThanThereIsEndsTheEngineAndNotTheMachine() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").contains("Linux"), "only Linux keeps the bound");
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -d 1000000; exec \"$@\"", "sh"));
        command.addAll(builder(List.of(
                        "-n",
                        "8",
                        "--json-schema",
                        "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":2147483647}"))
                .command());
        Run run = run(new ProcessBuilder(command), chat("What is Redis?"));
        assertThat(run.code).isEqualTo(1);
        assertThat(run.out).isEmpty();
        assertThat(run.stderr)
                .contains("error parsing grammar: std::bad_alloc")
                .contains("llama_completion: failed to parse grammar\n");
    }

    @Test
    void charactersOfSeveralTokensArriveWhole() throws Exception {
        assertThat(run(chat("Which emoji is the moon?"), "-n", "100", "--temp", "0")
                        .text())
                .contains("🌙");
        assertThat(run(chat("What is the capital of Iceland?"), "-n", "100", "--temp", "0")
                        .text())
                .contains("Reykjavík");
        sideBySide(IntStream.range(1, 12).boxed().toList(), budget -> {
            Run run = run(chat("Which emoji is the moon?"), "-n", Integer.toString(budget), "--temp", "0");
            assertThat(run.text()).as("cut in no character").doesNotContain("\uFFFD");
        });
        Run run = run("Café 🌙 naïve — ok?", "-n", "30", "--temp", "0");
        assertThat(run.code).isZero();
        assertThat(run.text()).doesNotContain("\uFFFD");
    }

    @Test
    void aSeedRepeatsAnAnswer() throws Exception {
        String[] flags = {"-n", "60", "--temp", "1.2", "--top-p", "1.0", "--top-k", "0", "--min-p", "0.0", "--seed"};
        Map<String, List<String>> texts = new ConcurrentHashMap<>();
        sideBySide(List.of("7", "7", "1", "2", "3", "4294967294"), seed -> texts.computeIfAbsent(
                        seed, unused -> new CopyOnWriteArrayList<>())
                .add(sampled(flags, seed)));
        assertThat(texts.get("7")).hasSize(2).containsOnly(texts.get("7").get(0));
        assertThat(texts.values().stream().map(repeated -> repeated.get(0)))
                .hasSize(5)
                .doesNotHaveDuplicates();
    }

    @Test
    void aReaderThatGoesAwayEndsIt() throws Exception {
        Process process = start(List.of("-n", "480", "--temp", "0"));
        process.getInputStream().close();
        try (OutputStream in = process.getOutputStream()) {
            in.write((chat("Tell me a story") + "\n").getBytes(StandardCharsets.UTF_8));
        }
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(1);
    }

    @Test
    void aKilledRunLeavesNoFiles() throws Exception {
        Process process = start(List.of("-n", "400", "--temp", "1"));
        try (OutputStream in = process.getOutputStream()) {
            in.write((chat("Tell me a story") + "\n").getBytes(StandardCharsets.UTF_8));
        }
        assertThat(process.getInputStream().read()).isNotNegative();
        process.destroyForcibly().waitFor();
        try (Stream<Path> files = Files.list(temp.resolve("an engine").resolve("tmp"))) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void severalProcessesMayUnpackAtOnce() {
        Path folder = temp.resolve("shared");
        List<BundledEngineCommand> commands = Stream.generate(() -> folder)
                .limit(8)
                .parallel()
                .map(BundledEngineCommand::prepare)
                .toList();
        assertThat(commands)
                .allSatisfy(command -> assertThat(command.modelFile()).isRegularFile());
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).noneMatch(name -> name.endsWith(".partial"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theClassPathHoldsTwoEntries() {
        List<String> arguments = engine.leadingArguments();
        String path = arguments.get(arguments.indexOf("-cp") + 1);
        assertThat(path.split(File.pathSeparator)).hasSize(2);
        assertThat(arguments).last().isEqualTo("io.flux.embedded.BundledEngine");
        assertThat(BundledEngineCommand.platform("Linux", "amd64")).isEqualTo("Linux/x86_64");
        assertThat(BundledEngineCommand.platform("Mac OS X", "aarch64")).isEqualTo("Mac/aarch64");
        assertThat(BundledEngineCommand.platform("Linux", "riscv64")).isEqualTo("Linux/riscv64");
    }

    /** Answers that the model knows: where two tokens are as good as equal, two versions of llama.cpp round apart. */
    @Test
    void withoutChanceTheTextIsLlamaCompletionsByteForByte() throws Exception {
        Path real = llamaCompletion();
        List<String> questions = List.of(
                "Write me a poem",
                "Write a haiku",
                "Write a poem about a café",
                "What is the capital of France?",
                "What is the capital of Iceland?",
                "What is the capital of Brazil?",
                "Which emoji is the moon?",
                "Write a poem about the sea",
                "Good night",
                "What is snow?",
                "What is a robot?",
                "What is a queue?",
                "What is Redis?");
        sideBySide(questions, question -> assertThat(
                        run(chat(question), "-n", "200", "--temp", "0").text())
                .as(question)
                .isEqualTo(wholeText(real, chat(question))));
    }

    private static String wholeText(Path real, String prompt) throws Exception {
        List<String> command = new ArrayList<>(List.of(real.toString()));
        command.addAll(List.of("-m", engine.modelFile().toString(), "-f", "/dev/stdin", "-no-cnv"));
        command.addAll(List.of("--no-display-prompt", "--no-escape", "--simple-io", "--no-context-shift"));
        command.addAll(List.of("--no-warmup", "-t", "1", "-tb", "1", "--poll", "0", "-n", "200", "--temp", "0"));
        // With weights laid out for this processor it rounds differently, and prefers another word where two are close.
        command.add("--no-repack");
        for (int i = 0; i < MOST_CUT_RUNS; i++) {
            Run run = run(new ProcessBuilder(command), prompt);
            if (run.stderr.contains("graph reallocs")) {
                return run.text();
            }
        }
        throw new AssertionError("the output was cut " + MOST_CUT_RUNS + " times");
    }

    private static Path llamaCompletion() {
        Optional<Path> found = Stream.of(
                        Stream.of(System.getenv("FLUX_LLAMA_DIR")),
                        Stream.of(System.getenv("PATH").split(File.pathSeparator)),
                        Stream.of(System.getProperty("user.home") + "/.cache/flux/llama.cpp/bin"))
                .flatMap(folders -> folders)
                .filter(Objects::nonNull)
                .map(folder -> Path.of(folder, "llama-completion"))
                .filter(Files::isExecutable)
                .findFirst();
        if ("true".equals(System.getenv("CI"))) {
            assertThat(found).as("llama-completion, which CI must have").isPresent();
        }
        Assumptions.assumeTrue(found.isPresent(), "llama-completion is not here; set FLUX_LLAMA_DIR");
        return found.orElseThrow();
    }

    /** What is asserted of one input, with the engine's processes. */
    private interface Check<T> {
        void of(T input) throws Exception;
    }

    /** Asserts something of each input. An engine waits more than it works: several may run beside each other. */
    private static <T> void sideBySide(List<T> inputs, Check<T> check) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(ENGINES);
        try {
            List<Callable<Void>> checks = inputs.stream()
                    .<Callable<Void>>map(input -> () -> {
                        check.of(input);
                        return null;
                    })
                    .toList();
            for (Future<Void> done : threads.invokeAll(checks)) {
                done.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static String sampled(String[] flags, String seed) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of(flags));
        all.add(seed);
        return run(chat("Tell me a story"), all.toArray(String[]::new)).text();
    }

    private static String chat(String question) {
        return "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n";
    }

    private static Process start(List<String> flags) throws IOException {
        return builder(flags).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    /** As Flux counts: the text and no newline more. */
    private static Run count(String text) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(engine.executable()));
        command.addAll(engine.leadingArguments());
        command.addAll(List.of("--count-tokens", "-m", engine.modelFile().toString()));
        return runOn(new ProcessBuilder(command), text);
    }

    private static ProcessBuilder builder(List<String> flags) {
        List<String> command = new ArrayList<>(List.of(engine.executable()));
        command.addAll(engine.leadingArguments());
        command.addAll(List.of("-m", engine.modelFile().toString(), "-f", "/dev/stdin", "-no-cnv"));
        command.addAll(List.of("--no-display-prompt", "-t", "1", "-tb", "1", "--poll", "0"));
        command.addAll(flags);
        return new ProcessBuilder(command);
    }

    private static Run run(String prompt, String... flags) throws IOException, InterruptedException {
        return run(builder(List.of(flags)), prompt);
    }

    /** As Flux does: one newline more, because the engine takes one off. */
    private static Run run(ProcessBuilder builder, String prompt) throws IOException, InterruptedException {
        return runOn(builder, prompt + "\n");
    }

    private static Run runOn(ProcessBuilder builder, String stdin) throws IOException, InterruptedException {
        Path errors = Files.createTempFile(temp, "stderr", ".txt");
        Path input = Files.writeString(Files.createTempFile(temp, "stdin", ".txt"), stdin);
        Process process = builder.redirectInput(input.toFile())
                .redirectError(errors.toFile())
                .start();
        byte[] out = process.getInputStream().readAllBytes();
        int code = process.waitFor();
        return new Run(out, code, new String(Files.readAllBytes(errors), StandardCharsets.UTF_8));
    }

    private static final class Run {
        private static final Pattern PROMPT = Pattern.compile("print: prompt eval time = .*/ +(\\d+) tokens");
        private static final Pattern ALL = Pattern.compile("print: +samplers time = .*/ +(\\d+) tokens");

        private final byte[] out;
        private final int code;
        private final String stderr;

        private Run(byte[] out, int code, String stderr) {
            this.out = out;
            this.code = code;
            this.stderr = stderr;
        }

        private String text() {
            return new String(out, StandardCharsets.UTF_8);
        }

        private String lastLine() {
            String[] lines = stderr.split("\n");
            return lines[lines.length - 1];
        }

        /** Tokens of the prompt, tokens generated. */
        private int[] counts() {
            Matcher prompt = PROMPT.matcher(stderr);
            Matcher all = ALL.matcher(stderr);
            assertThat(prompt.find() && all.find()).as(stderr).isTrue();
            int read = Integer.parseInt(prompt.group(1));
            return new int[] {read, Integer.parseInt(all.group(1)) - read};
        }
    }
}
