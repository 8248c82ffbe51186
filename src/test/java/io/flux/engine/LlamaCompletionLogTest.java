package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.job.JobRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LlamaCompletionLogTest {
    private static final String LOG =
            """
            0.00.022.297 I generate: n_ctx = 512, n_batch = 2048, n_predict = 200, n_keep = 0
            0.00.022.297 I
            0.00.036.354 I common_perf_print:    sampling time =       0.58 ms
            0.00.036.355 I common_perf_print:    samplers time =       0.40 ms /    60 tokens
            0.00.036.357 I common_perf_print:        load time =       3.76 ms
            0.00.036.358 I common_perf_print: prompt eval time =       1.82 ms /    12 tokens (    0.15 ms per token,  6582.56 tokens per second)
            0.00.036.359 I common_perf_print:        eval time =      10.97 ms /    47 runs   (    0.23 ms per token,  4282.46 tokens per second)
            0.00.036.360 I common_perf_print:       total time =      14.24 ms /    59 tokens
            0.00.036.361 I common_perf_print:    graphs reused =         46
            0.00.036.361 I common_perf_print:   graph reallocs =          0    /     0        (same size) / (changed size)
            """;

    private static final JobRequest SCHEMA =
            EngineJobs.constrained("{\"type\":\"wrong\"}", null).request();
    private static final JobRequest GRAMMAR =
            EngineJobs.constrained(null, "root ::=").request();

    @Test
    void tokensAreCountedWithTheOneThatEndsTheText() {
        LlamaCompletionLog log = new LlamaCompletionLog(LOG);
        assertThat(log.promptTokens()).isEqualTo(12);
        assertThat(log.completionTokens()).isEqualTo(48);
    }

    @Test
    void itSaysWhereTheTimeWent() {
        assertThat(new LlamaCompletionLog(LOG).times()).isEqualTo(new EngineTimes(3.76, 1.82, 10.97));
        assertThat(new LlamaCompletionLog("no such lines").times()).isEqualTo(EngineTimes.NONE);
    }

    @Test
    void aSingleTokenIsNotCountedAsTwoThoughTheLogSaysOneRun() {
        LlamaCompletionLog log = new LlamaCompletionLog(
                """
                I common_perf_print:    samplers time =       0.01 ms /    13 tokens
                I common_perf_print: prompt eval time =       2.04 ms /    12 tokens (    0.17 ms per token)
                I common_perf_print:        eval time =       0.00 ms /     1 runs   (    0.00 ms per token, inf)
                """);
        assertThat(log.completionTokens()).isEqualTo(1);
    }

    @Test
    void theLogOfOlderBuildsIsReadToo() {
        LlamaCompletionLog log = new LlamaCompletionLog(
                """
                llama_perf_sampler_print:    sampling time =       5.06 ms /    64 runs   (    0.08 ms per token)
                llama_perf_context_print:        load time =     500.00 ms
                llama_perf_context_print: prompt eval time =       2.41 ms /    13 tokens (    0.19 ms per token)
                llama_perf_context_print:        eval time =      14.96 ms /    50 runs   (    0.29 ms per token)
                llama_perf_context_print:       total time =      18.00 ms /    63 tokens
                """);
        assertThat(log.promptTokens()).isEqualTo(13);
        assertThat(log.completionTokens()).isEqualTo(51);
        assertThat(log.textIsWhole()).isTrue();
    }

    @Test
    void theTextIsWholeAsSoonAsTheTimingsBegin() {
        int timings = LOG.indexOf("common_perf_print");
        for (int cut = 0; cut <= LOG.length(); cut++) {
            assertThat(new LlamaCompletionLog(LOG.substring(0, cut)).textIsWhole())
                    .as("cut at %d", cut)
                    .isEqualTo(cut >= timings + "common_perf_print:".length());
        }
    }

    @Test
    void whatTheLogDoesNotSayIsUnknownAndNotZero() {
        LlamaCompletionLog log = new LlamaCompletionLog("0.00.022.297 I");
        assertThat(log.promptTokens()).isNull();
        assertThat(log.completionTokens()).isNull();
        assertThat(log.refusal(SCHEMA)).isNull();
    }

    @Test
    void aPromptThatIsTooLongIsTheClientsError() {
        EngineFailure failure = new LlamaCompletionLog(
                        "0.00.022.149 E llama_completion: prompt is too long (6002 tokens, max 508)\n")
                .refusal(FakeEngines.job().request());
        assertThat(failure)
                .isEqualTo(new EngineFailure(
                        "prompt_too_long",
                        "prompt is too long: 6002 tokens, the model's context allows 508",
                        true,
                        false,
                        "prompt"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                """
                error while handling argument "--json-schema": JSON schema conversion failed:
                JSON schema error at #/properties/a: unrecognized type wrong

                usage:
                -j,    --json-schema SCHEMA             JSON schema to constrain generations
                """,
                """
                terminate called after throwing an instance of 'std::runtime_error'
                  what():  JSON schema conversion failed:
                at #/properties/a: unrecognized type wrong
                """
            })
    void aSchemaThatTheEngineDoesNotTakeIsTheClientsError(String stderr) {
        assertThat(new LlamaCompletionLog(stderr).refusal(SCHEMA))
                .isEqualTo(new EngineFailure(
                        "invalid_request",
                        "the engine does not take this json_schema (at #/properties/a: unrecognized type wrong)",
                        true,
                        false,
                        "json_schema"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "parse: error parsing grammar: expecting newline or end at : 5 | (expecting newline or end at : 5)",
                "0.00.017.496 E grammar does not contain a 'root' symbol | (grammar does not contain a 'root' symbol)",
                "E unsupported grammar, left recursion detected for nonterminal at index 0 | (left recursion detected)"
            })
    void aGrammarThatTheEngineDoesNotTakeIsTheClientsErrorUnderTheNameThatTheClientGaveIt(String line, String reason) {
        LlamaCompletionLog log = new LlamaCompletionLog(
                line + "\nterminate called after throwing\n  what():  failed to parse grammar\n");
        assertThat(log.refusal(GRAMMAR))
                .isEqualTo(EngineFailure.invalid("grammar", "the engine does not take this grammar " + reason));
        assertThat(log.refusal(SCHEMA))
                .isEqualTo(EngineFailure.invalid("json_schema", "the engine does not take this json_schema " + reason));
        assertThat(log.refusal(FakeEngines.job().request()))
                .as("no client asked for it")
                .isNull();
    }

    @Test
    void aGrammarForWhichThereIsNotEnoughMemoryIsTheClientsError() {
        LlamaCompletionLog log = new LlamaCompletionLog("parse: error parsing grammar: std::bad_alloc\n\n"
                + "llama_grammar_init_impl: failed to parse grammar\nllama_completion: failed to parse grammar\n");
        assertThat(log.refusal(SCHEMA))
                .isEqualTo(
                        EngineFailure.invalid("json_schema", "the engine has not enough memory for this json_schema"));
        assertThat(log.refusal(GRAMMAR).message()).isEqualTo("the engine has not enough memory for this grammar");
    }

    @Test
    void aReasonIsShortAndMayBeLost() {
        assertThat(new LlamaCompletionLog("what():  failed to parse grammar\n").refusal(GRAMMAR))
                .isEqualTo(EngineFailure.invalid("grammar", "the engine does not take this grammar"));
        String cut = "x\"}\n\nusage:\n-j,    --json-schema SCHEMA             JSON schema to constrain generations\n";
        assertThat(new LlamaCompletionLog(cut).refusal(SCHEMA))
                .isEqualTo(EngineFailure.invalid("json_schema", "the engine does not take this json_schema"));
        String grammar =
                "parse: error parsing grammar: expecting ::= at " + "x".repeat(5000) + "\nfailed to parse grammar";
        assertThat(new LlamaCompletionLog(grammar).refusal(GRAMMAR).message())
                .hasSizeLessThan(260)
                .endsWith("xx…)");
    }

    @Test
    void anEngineThatKnowsNoSchemasIsNotTheClientsError() {
        assertThat(new LlamaCompletionLog("error: invalid argument: --json-schema\n").refusal(SCHEMA))
                .isNull();
    }
}
