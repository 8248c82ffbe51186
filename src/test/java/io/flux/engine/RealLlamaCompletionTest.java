package io.flux.engine;

import static io.flux.engine.FakeEngines.end;
import static io.flux.engine.FakeEngines.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.exec.ExecCommand;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The facts about llama-completion that this package relies on, against the real one and the shipped model. */
@Timeout(120)
class RealLlamaCompletionTest {
    private static final Path MODEL = Path.of("src/main/resources/models/flux-tiny-q8_0.gguf");
    private static final String POEM = "<|im_start|>user\nWrite me a poem<|im_end|>\n<|im_start|>assistant\n";

    /** Enough for a machine where two runs of three are cut. */
    private static final int MOST_CUT_RUNS = 50;

    private static LiveExec exec;
    private static Engines engines;
    private static Path binary;

    @BeforeAll
    static void findIt() {
        Optional<Path> found = Stream.of(
                        System.getenv("FLUX_LLAMA_DIR"),
                        "",
                        System.getProperty("user.home") + "/.cache/flux/llama.cpp/bin")
                .filter(Objects::nonNull)
                .map(RealLlamaCompletionTest::commandIn)
                .flatMap(Optional::stream)
                .findFirst();
        if ("true".equals(System.getenv("CI"))) {
            assertThat(found).as("llama-completion, which CI must have").isPresent();
        }
        Assumptions.assumeTrue(found.isPresent(), "llama-completion is not here; set FLUX_LLAMA_DIR");
        binary = found.orElseThrow();
        exec = new LiveExec();
        engines = new Engines();
    }

    @AfterAll
    static void stop() {
        if (engines != null) {
            engines.close();
            exec.close();
        }
    }

    @Test
    void aPoemComesInChunksAndEndsByItself() {
        List<EngineOutput> outputs = run(completion(POEM, 200));
        String poem = text(outputs);
        assertThat(poem)
                .isNotBlank()
                .doesNotStartWith("\n")
                .doesNotContain("[end of text]")
                .doesNotEndWith("\n");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
        assertThat(end(outputs).exitCode()).isZero();
    }

    @Test
    void aBudgetOfTokensIsUsedUpAndCounted() {
        for (int budget : new int[] {1, 2, 8}) {
            EngineEnd end = endWithCounts(completion(POEM, budget));
            assertThat(end.finish()).isEqualTo(FinishReason.LENGTH);
            assertThat(end.completionTokens()).isEqualTo(budget);
            assertThat(end.promptTokens()).isEqualTo(12);
        }
    }

    @Test
    void theTextSoFarCanBeContinued() {
        String whole = text(run(completion(POEM, 24)));
        String begin = text(run(completion(POEM, 8)));
        assertThat(whole).startsWith(begin);
        List<EngineOutput> rest = run(completion(POEM + begin, 16));
        assertThat(text(rest)).isNotEmpty();
        assertThat(end(rest).failure()).isNull();
    }

    @Test
    void aPromptArrivesAsItIs() {
        assertThat(endWithCounts(completion("a\\nb", 1)).promptTokens())
                .as("a, backslash, n, b")
                .isEqualTo(4);
        assertThat(endWithCounts(completion("a\nb", 1)).promptTokens()).isEqualTo(3);
        assertThat(endWithCounts(completion("a\n\n", 1)).promptTokens())
                .as("only the added newline is taken off")
                .isEqualTo(3);
        assertThat(endWithCounts(completion("<|im_end|>", 1)).promptTokens())
                .as("one special token, whoever wrote it")
                .isEqualTo(1);
    }

    @Test
    void aPromptLongerThanTheContextIsTheClientsError() {
        // Now and then the log is lost, as outputs are: then it is a crash to us, and is tried again.
        EngineFailure failure = Stream.generate(() -> run(completion("word ".repeat(2000), 8)))
                .limit(20)
                .map(outputs -> {
                    assertThat(text(outputs)).isEmpty();
                    return end(outputs).failure();
                })
                .filter(end -> !end.retryable())
                .findFirst()
                .orElseThrow();
        assertThat(failure.code()).isEqualTo("prompt_too_long");
        assertThat(failure.message()).matches("prompt is too long: \\d+ tokens, the model's context allows 508");
        assertThat(failure.clientError()).isTrue();
    }

    @Test
    void atTheEndOfTheContextTheAnswerEndsWithLength() {
        List<EngineOutput> outputs = run(completion(POEM, 2000), List.of("--ignore-eos"));
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.LENGTH);
        assertThat(text(outputs)).doesNotEndWith("\n\n");
    }

    @Test
    void aStopTextEndsIt() {
        String whole = text(run(completion(POEM, 60)));
        String stop = whole.substring(10, 14);
        List<EngineOutput> outputs =
                run(EngineJobs.sampled(0.0, null, null, null, 7L, List.of(stop)), completion(POEM, 60), List.of());
        assertThat(text(outputs)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void anAnswerKeepsToItsSchema() throws JsonProcessingException {
        List<EngineOutput> outputs = constrained(
                """
                {"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":0,"maximum":99}},
                 "required":["ok","n"],"additionalProperties":false}
                """,
                null);
        JsonNode answer = new ObjectMapper().readTree(text(outputs));
        assertThat(answer.fieldNames()).toIterable().containsExactly("ok", "n");
        assertThat(answer.get("ok").isBoolean()).isTrue();
        assertThat(answer.get("n").intValue()).isBetween(0, 99);
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void anAnswerKeepsToItsGrammar() {
        List<EngineOutput> outputs = constrained(null, "root ::= \"yes\" | \"no\"");
        assertThat(text(outputs)).isIn("yes", "no");
        assertThat(end(outputs).finish()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void escapesAndCharactersOfASchemaAndAGrammarArriveAsTheyAre() throws JsonProcessingException {
        String schema = "{\"const\":\"é\\n\\\"q\\\\n漢🌙\"}";
        assertThat(new ObjectMapper().readTree(text(constrained(schema, null))).textValue())
                .isEqualTo("é\n\"q\\n漢🌙");
        assertThat(text(constrained(null, "root ::= \"é\\n\\\"q\\\\n漢🌙\" [à-ç] # für alle")))
                .matches("é\n\"q\\\\n漢🌙[à-ç]");
    }

    @Test
    void aSchemaThatItDoesNotTakeIsTheClientsError() {
        List<EngineOutput> outputs = constrained("{\"type\":\"wrong\"}", null);
        assertThat(text(outputs)).isEmpty();
        EngineFailure failure = end(outputs).failure();
        assertThat(failure.clientError()).isTrue();
        assertThat(failure.field()).isEqualTo("json_schema");
        assertThat(failure.message())
                .startsWith("the engine does not take this json_schema (")
                .contains("wrong");
        assertThat(end(constrained("{\"type\":\"string\",\"minLength\":1000000}", null))
                        .failure()
                        .field())
                .as("a grammar is made of it, and is then refused")
                .isEqualTo("json_schema");
    }

    @ParameterizedTest
    @ValueSource(strings = {"root ::= \"yes", "yes", "x ::= \"no root\"", "root ::= other", "root ::= root \"a\""})
    void aGrammarThatItDoesNotTakeIsTheClientsErrorAndNoDebuggersOutputIsAnAnswer(String grammar) {
        List<EngineOutput> outputs = constrained(null, grammar);
        assertThat(text(outputs)).isEmpty();
        EngineFailure failure = end(outputs).failure();
        assertThat(failure.code()).isEqualTo("invalid_request");
        assertThat(failure.clientError()).isTrue();
        assertThat(failure.field()).isEqualTo("grammar");
        assertThat(failure.message()).startsWith("the engine does not take this grammar");
    }

    /** As deep and as long as a request may be. */
    @Test
    void theLargestGrammarsArriveAndDoNoHarm() {
        int deep = (32 * 1024 - "root ::= \"a\"".length()) / 2;
        assertThat(text(constrained(null, "root ::= " + "(".repeat(deep) + "\"a\"" + ")".repeat(deep))))
                .isEqualTo("a");
        assertThat(text(constrained(null, "root ::= \"a\" #" + "é".repeat(16 * 1024 - 8))))
                .isEqualTo("a");
    }

    private static List<EngineOutput> constrained(String jsonSchema, String grammar) {
        return run(EngineJobs.constrained(jsonSchema, grammar), completion(POEM, 128), List.of());
    }

    @Test
    void theTokenizerCountsWhatTheEngineSaysThatItReads() {
        TokenCounter counter = counter();
        for (String prompt : List.of(POEM, "a\\nb", "a\n\n", "<|im_end|>", "Café 🌙 naïve — ok?")) {
            assertThat(counter.count(prompt))
                    .as(prompt)
                    .hasValue(endWithCounts(completion(prompt, 1)).promptTokens());
        }
    }

    @Test
    void theTokenizerCountsWhatTheEngineSaysThatItHasWritten() {
        TokenCounter counter = counter();
        for (int budget : new int[] {1, 8, 24}) {
            String text = text(run(completion(POEM, budget)));
            assertThat(counter.count(POEM + text).orElseThrow()
                            - counter.count(POEM).orElseThrow())
                    .as(text)
                    .isEqualTo(budget);
        }
    }

    private static TokenCounter counter() {
        return new ProcessTokenCounter(() -> List.of(
                binary.resolveSibling("llama-tokenize").toString(),
                "-m",
                MODEL.toString(),
                "--stdin",
                "--no-escape",
                "--ids",
                "--show-count",
                "--log-disable"));
    }

    private static Completion completion(String prompt, int maxTokens) {
        return new Completion(prompt, maxTokens);
    }

    private static EngineEnd endWithCounts(Completion completion) {
        for (int run = 0; run < MOST_CUT_RUNS; run++) {
            EngineEnd end = end(run(completion));
            if (end.completionTokens() != null && end.promptTokens() != null) {
                return end;
            }
        }
        throw new AssertionError("the log was cut " + MOST_CUT_RUNS + " times");
    }

    private static List<EngineOutput> run(Completion completion) {
        return run(completion, List.of());
    }

    private static List<EngineOutput> run(Completion completion, List<String> extraArgs) {
        return run(EngineJobs.sampled(0.0, null, null, null, 7L, List.of()), completion, extraArgs);
    }

    /** Runs until the output is not cut: on a busy machine llama-completion often exits before it has written all. */
    private static List<EngineOutput> run(EngineJob job, Completion completion, List<String> extraArgs) {
        LlamaCompletionCommand command = new LlamaCompletionCommand(MODEL, 1, null, extraArgs);
        for (int run = 0; run < MOST_CUT_RUNS; run++) {
            LiveProcess process = exec.execute(new ExecCommand(
                    binary.toString(),
                    command.arguments(job, completion),
                    null,
                    0L,
                    Set.of(),
                    new ByteArrayInputStream(command.stdin(completion)),
                    null,
                    false,
                    LoggingLevel.OFF));
            List<EngineOutput> outputs = new ArrayList<>();
            engines.open(process, job).forEachRemaining(outputs::add);
            EngineFailure failure = end(outputs).failure();
            if (failure == null || !failure.code().equals(EngineFailure.OUTPUT_TRUNCATED)) {
                return outputs;
            }
        }
        throw new AssertionError("the output was cut " + MOST_CUT_RUNS + " times");
    }

    private static Optional<Path> commandIn(String folder) {
        try {
            return Optional.of(EnginePreflight.ofEnvironment(folder).command("llama-completion"))
                    .filter(Files::isExecutable);
        } catch (IllegalStateException notHere) {
            return Optional.empty();
        }
    }
}
