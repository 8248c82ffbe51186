package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LlamaCompletionCommandTest {
    private static final Path MODEL = Path.of("/models/tiny.gguf");
    private static final Completion POEM = new Completion("Write me a poem", 128);

    @Test
    void aJobWithoutOptionsLeavesTheEnginesDefaults() {
        assertThat(new LlamaCompletionCommand(MODEL, 2, null, List.of()).arguments(FakeEngines.job(), POEM))
                .containsExactly(
                        "-m",
                        "/models/tiny.gguf",
                        "-f",
                        "/dev/stdin",
                        "-n",
                        "128",
                        "-no-cnv",
                        "--no-display-prompt",
                        "--no-escape",
                        "--simple-io",
                        "--no-context-shift",
                        "--no-warmup",
                        "-t",
                        "2",
                        "-tb",
                        "2",
                        "--poll",
                        "0");
    }

    @Test
    void theOptionsOfAJobAndOfTheWorkerAreInTheArguments() {
        EngineJob job = EngineJobs.sampled(0.00001, 0.9, 40, 0.05, 7L, List.of());
        assertThat(new LlamaCompletionCommand(MODEL, 1, 2048, List.of("-fit", "off")).arguments(job, POEM))
                .containsSubsequence(
                        "-c",
                        "2048",
                        "--temp",
                        "0.000010",
                        "--top-k",
                        "40",
                        "--top-p",
                        "0.9",
                        "--min-p",
                        "0.05",
                        "--seed",
                        "7",
                        "-fit",
                        "off");
    }

    @Test
    void aSeedOfAnySizeIsOneThatTheEngineTakesAndNeverTheOneThatMeansRandom() {
        for (long seed : new long[] {-1, 0xFFFF_FFFFL, Long.MAX_VALUE, Long.MIN_VALUE}) {
            EngineJob job = EngineJobs.sampled(null, null, null, null, seed, List.of());
            List<String> args = new LlamaCompletionCommand(MODEL, 1, null, List.of()).arguments(job, POEM);
            assertThat(Long.parseLong(args.get(args.indexOf("--seed") + 1))).isBetween(0L, 0xFFFF_FFFEL);
        }
    }

    @Test
    void aSchemaOrAGrammarIsAnArgument() {
        LlamaCompletionCommand command = new LlamaCompletionCommand(MODEL, 1, null, List.of());
        assertThat(command.arguments(EngineJobs.constrained("{ \"b\": {}, \"a\": 1 }", null), POEM))
                .containsSubsequence("--json-schema", "{\"b\":{},\"a\":1}")
                .doesNotContain("--grammar");
        assertThat(command.arguments(EngineJobs.constrained(null, "root ::= \"a\\n\"\n"), POEM))
                .containsSubsequence("--grammar", "root ::= \"a\\n\"\n")
                .doesNotContain("--json-schema");
    }

    /** In the machine's charset, which often is ASCII, other characters would become question marks. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "é | \\u00e9 | \\u00e9",
                "漢🌙 | \\u6f22\\ud83c\\udf19 | \\u6f22\\U0001f319",
                "\\\\é\\n\\\" | \\\\\\u00e9\\n\\\" | \\\\\\u00e9\\n\\\"",
                "\\ud83cx | ?x | \\ud83cx",
            })
    void aSchemaAndAGrammarAreWrittenInAscii(String text, String inJson, String inGbnf) {
        LlamaCompletionCommand command = new LlamaCompletionCommand(MODEL, 1, null, List.of());
        assertThat(command.arguments(EngineJobs.constrained("{\"const\":\"" + text + "\"}", null), POEM))
                .last()
                .isEqualTo("{\"const\":\"" + inJson + "\"}");
        assertThat(command.arguments(EngineJobs.constrained(null, "root ::= \"" + text + "\""), POEM))
                .last()
                .isEqualTo("root ::= \"" + inGbnf + "\"");
    }

    @Test
    void anEscapeThatGbnfDoesNotHaveIsNotMadeIntoOneThatItHas() {
        LlamaCompletionCommand command = new LlamaCompletionCommand(MODEL, 1, null, List.of());
        assertThat(command.arguments(EngineJobs.constrained(null, "root ::= \"\\éé\""), POEM))
                .last()
                .isEqualTo("root ::= \"\\é\\u00e9\"");
    }

    @Test
    void theEngineReadsThePromptAndTheNewlineThatItTakesOff() {
        assertThat(new LlamaCompletionCommand(MODEL, 1, null, List.of()).stdin(POEM))
                .isEqualTo("Write me a poem\n".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aCommandThatCannotRunIsNotMade() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LlamaCompletionCommand(MODEL, 0, null, List.of()))
                .withMessage("threads must be at least 1, not 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LlamaCompletionCommand(MODEL, 1, 0, List.of()))
                .withMessage("contextTokens must be at least 1, not 0");
    }
}
