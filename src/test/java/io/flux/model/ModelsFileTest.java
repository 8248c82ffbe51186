package io.flux.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelsFileTest {
    @TempDir
    Path folder;

    @Test
    void aNameIsAllThatAModelNeeds() {
        assertThat(read("models: [{name: chat}]"))
                .containsExactly(new ModelSpec(
                        "chat", List.of(), "bundled", null, null, 0, 1, 0, List.of(), null, Parameters.NONE));
    }

    @Test
    void everyKeyOfAModelThatRunsHereIsRead() {
        List<ModelSpec> models = read(
                """
                models:
                  - name: chat
                    aliases: [gpt-4o-mini, team/chat:1.10]
                    engine: llama-server
                    file: /models/chat.gguf
                    template: deepseek
                    context: 8192
                    slots: 4
                    threads: 8
                    args: ["--flash-attn", on, -ngl, 99, --rope-freq-scale, 1.10]
                    defaults: {max_tokens: 256, temperature: 0.7, top_p: 0.9, top_k: 40, min_p: 0.05, timeout_ms: 60000}
                    bounds:
                      max_tokens: [1, 2048]
                      temperature: [0, 1]
                      top_p: [0.1, 1]
                      top_k: [1, 100]
                      min_p: [0, 0.5]
                      timeout_ms: [1000, 600000]
                """);

        assertThat(models)
                .containsExactly(new ModelSpec(
                        "chat",
                        List.of("gpt-4o-mini", "team/chat:1.10"),
                        "llama-server",
                        Path.of("/models/chat.gguf"),
                        "deepseek",
                        8192,
                        4,
                        8,
                        List.of("--flash-attn", "on", "-ngl", "99", "--rope-freq-scale", "1.10"),
                        null,
                        new Parameters(
                                Map.of(
                                        "max_tokens",
                                        256L,
                                        "temperature",
                                        0.7,
                                        "top_p",
                                        0.9,
                                        "top_k",
                                        40L,
                                        "min_p",
                                        0.05,
                                        "timeout_ms",
                                        60000L),
                                Map.of(
                                        "max_tokens", new Parameters.Range(1L, 2048L),
                                        "temperature", new Parameters.Range(0L, 1L),
                                        "top_p", new Parameters.Range(0.1, 1L),
                                        "top_k", new Parameters.Range(1L, 100L),
                                        "min_p", new Parameters.Range(0L, 0.5),
                                        "timeout_ms", new Parameters.Range(1000L, 600000L)))));
    }

    @Test
    void everyKeyOfAModelElsewhereIsRead() throws IOException {
        Files.writeString(folder.resolve("key"), "sesame\n");
        List<ModelSpec> models = read(
                """
                models:
                  - name: big
                    engine: openai
                    url: http://host:8000/v1
                    upstream_model: meta-llama/Llama-3.1-8B-Instruct
                    key_file: key
                    continuation: final-message
                  - {name: small, engine: openai, url: "https://host/v1", key_env: FLUX_TEST_NO_SUCH_KEY}
                """);

        ModelSpec.Upstream big = models.get(0).upstream();
        assertThat(big.url()).isEqualTo(URI.create("http://host:8000/v1"));
        assertThat(big.model()).isEqualTo("meta-llama/Llama-3.1-8B-Instruct");
        assertThat(big.key().read()).isEqualTo("sesame");
        assertThat(big.continuation()).isEqualTo(ModelSpec.Continuation.FINAL_MESSAGE);
        ModelSpec.Upstream small = models.get(1).upstream();
        assertThat(small.model()).isEqualTo("small");
        assertThat(small.key()).hasToString("Secret[environment variable FLUX_TEST_NO_SUCH_KEY]");
        assertThat(small.continuation()).isEqualTo(ModelSpec.Continuation.NO);
    }

    @Test
    void aServerThatWantsNoKeyGetsNone() {
        assertThat(read("models: [{name: a, engine: openai, url: 'http://h/v1'}]")
                        .get(0)
                        .upstream()
                        .key())
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"no", "'no'", "\"no\""})
    void noIsAWordAndNotABoolean(String no) {
        String text = "models: [{name: a, engine: openai, url: 'http://h/v1', continuation: " + no + "}]";
        assertThat(read(text).get(0).upstream().continuation()).isEqualTo(ModelSpec.Continuation.NO);
    }

    @Test
    void aRelativePathStartsAtTheFolderOfTheFile() {
        assertThat(read("models: [{name: a, file: ../gguf/a.gguf}]").get(0).file())
                .isEqualTo(folder.resolveSibling("gguf/a.gguf").toAbsolutePath());
    }

    @Test
    void theOrderIsThatOfTheFile() {
        assertThat(read("models: [{name: b}, {name: c}, {name: a}]"))
                .extracting(ModelSpec::name)
                .containsExactly("b", "c", "a");
    }

    @Test
    void anAnchorSavesWritingAValueTwice() {
        List<ModelSpec> models =
                read("models: [{name: a, bounds: &strict {top_k: [1, 9]}}, {name: b, bounds: *strict}]");
        assertThat(models.get(1).parameters()).isEqualTo(models.get(0).parameters());
    }

    /** Each is what a model, whose name is on line 2, has on line 3; the message is what follows "models[0].". */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            slots: 0                          | slots must be between 1 and 10000, not 0
            slots: two                        | slots must be a whole number, not 'two'
            slots: 1.5                        | slots must be a whole number, not 1.5
            slots: 99999999999                | slots must be between 1 and 10000, not 99999999999
            slots:                            | slots has no value: give it one, or leave the key out
            slots: [1]                        | slots must be a whole number, not a list
            slots: .inf                       | slots must be a whole number, not '.inf'
            slots: !!int x                    | slots must be a whole number, not 'x'
            context: -1                       | context must be at least 0, not -1
            context: 3000000000               | context must be at most 2147483647, not 3000000000
            threads: -1                       | threads must be between 0 and 10000, not -1
            engine: Llama                     | engine must be bundled, llama-completion, llama-server, openai or the name of a kamelet of your own: small letters, digits and -, a letter first
            engine: abacus                    | engine names abacus, but the routes have no engines/abacus.kamelet.yaml
            file: ''                          | file must not be empty
            file: 7                           | file must be text, not 7 (quote it)
            template: alpaca                  | template must be one of none, chatml, llama3, gemma, mistral, not 'alpaca'
            aliases: chat                     | aliases must be a list, not 'chat'
            aliases: [a b]                    | aliases[0] must be 1 to 128 letters, digits, . _ : / -, a letter or digit first
            aliases: [x, a]                   | aliases[1] 'a' is taken: it is models[0].name, line 2
            args: --flash-attn                | args must be a list, not '--flash-attn'
            args: [[x]]                       | args[0] must be text, not a list
            slot: 4                           | slot is not a known key; known: name, aliases, engine, file, template, context, slots, threads, args, url, upstream_model, key_env, key_file, continuation, defaults, bounds
            name: b                           | name is there twice, first on line 2
            url: http://h/v1                  | url is only for engine openai
            upstream_model: b                 | upstream_model is only for engine openai
            key_env: KEY                      | key_env is only for engine openai
            key_file: key                     | key_file is only for engine openai
            continuation: prefill             | continuation is only for engine openai
            defaults: {temperature: 2.5}      | defaults.temperature must be between 0 and 2, not 2.5
            defaults: {temperature: warm}     | defaults.temperature must be a number, not 'warm'
            defaults: {top_p: 1.1}            | defaults.top_p must be between 0 and 1, not 1.1
            defaults: {min_p: -0.1}           | defaults.min_p must be between 0 and 1, not -0.1
            defaults: {top_k: 100001}         | defaults.top_k must be between 0 and 100000, not 100001
            defaults: {max_tokens: 0}         | defaults.max_tokens must be at least 1, not 0
            defaults: {timeout_ms: 86400001}  | defaults.timeout_ms must be between 1 and 86400000, not 86400001
            defaults: {seed: 1}               | defaults.seed is not a known key; known: max_tokens, temperature, top_p, top_k, min_p, timeout_ms
            defaults: 5                       | defaults must be a mapping of keys to values, not 5
            bounds: {temperature: [0, 3]}     | bounds.temperature[1] must be between 0 and 2, not 3
            bounds: {temperature: [1]}        | bounds.temperature must be [smallest, largest]
            bounds: {temperature: [0, 1, 2]}  | bounds.temperature must be [smallest, largest]
            bounds: {temperature: 1}          | bounds.temperature must be a list, not 1
            bounds: {temperature: [1, 0.5]}   | bounds.temperature must be [smallest, largest], but 1 is more than 0.5
            bounds: {max_tokens: [0, 9]}      | bounds.max_tokens[0] must be at least 1, not 0
            engine: !mine bundled             | engine has the tag !mine, which means nothing here
            args: &a [*a]                     | args must not contain itself
            """)
    void aWrongValueOfAModelThatRunsHereIsRefusedWithItsLineAndTheRule(String line, String message) {
        assertThat(complaints("models:\n  - name: a\n    " + line))
                .containsExactly("models.yaml line 3: models[0]." + message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            url: host:8000/v1              | url must be the http(s) address of the server's API, https://host/v1
            url: http://h/{x}              | url is no URL: Illegal character in path at character 10
            key_env: sk-123                | key_env must be the name of an environment variable that holds the key, not the key itself
            continuation: maybe            | continuation must be one of no, prefill, final-message, not 'maybe'
            continuation: off              | continuation must be one of no, prefill, final-message, not 'off'
            file: a.gguf                   | file is not for engine openai: the server has the model
            template: chatml               | template is not for engine openai: the server knows the model's template
            threads: 1                     | threads is not for engine openai: it starts no process
            args: [x]                      | args is not for engine openai: it starts no process
            """)
    void aWrongValueOfAModelElsewhereIsRefusedWithItsLineAndTheRule(String line, String message) {
        String url = line.startsWith("url") ? "" : "\n    url: http://h/v1";
        assertThat(complaints("models:\n  - {name: x}\n  - name: a\n    engine: openai\n    " + line + url))
                .containsExactly("models.yaml line 5: models[1]." + message);
    }

    @Test
    void aKeyMayComeFromAVariableOrFromAFileAndNotFromBoth() {
        assertThat(
                        complaints(
                                """
                                models:
                                  - name: a
                                    engine: openai
                                    url: http://h/v1
                                    key_env: KEY
                                    key_file: key
                                """))
                .containsExactly(
                        "models.yaml line 6: models[0].key_file must not stand beside key_env: give one of them");
    }

    @Test
    void anApiKeyIsNeverRepeated() {
        assertThat(complaints(
                        "models: [{name: a, engine: openai, url: 'http://h/v1', key_env: sk-123, api_key: sk-4}]"))
                .hasSize(2)
                .noneMatch(message -> message.contains("sk-"));
    }

    @Test
    void whatIsMissingIsNamedWithTheLineThatItIsMissingIn() {
        assertThat(complaints("# models\nmodels:\n  - slots: 1\n  - name: a\n    engine: openai\n"))
                .containsExactly(
                        "models.yaml line 3: models[0].name is required",
                        "models.yaml line 4: models[1].url is required with engine openai");
    }

    @Test
    void aDefaultIsWithinTheBoundsOfItsModel() {
        assertThat(
                        complaints(
                                """
                                models:
                                  - name: a
                                    defaults: {top_k: 5}
                                    bounds: {top_k: [5, 5]}
                                  - name: b
                                    defaults:
                                      top_p: 0.5
                                      temperature: 1.2
                                    bounds: {temperature: [0, 1]}
                                """))
                .containsExactly(
                        "models.yaml line 8: models[1].defaults.temperature must be within the model's bounds, 0 to 1, not 1.2");
    }

    @Test
    void noTwoModelsShareANameOrAnAlias() {
        assertThat(
                        complaints(
                                """
                                models:
                                  - name: a
                                    aliases: [x, y]
                                  - name: a
                                  - name: y
                                  - name: b
                                    aliases:
                                      - z
                                      - x
                                """))
                .containsExactly(
                        "models.yaml line 4: models[1].name 'a' is taken: it is models[0].name, line 2",
                        "models.yaml line 5: models[2].name 'y' is taken: it is models[0].aliases[1], line 3",
                        "models.yaml line 9: models[3].aliases[1] 'x' is taken: it is models[0].aliases[0], line 3");
    }

    @Test
    void aTeamsOwnEngineMayHaveATemplateOfItsOwn() {
        assertThat(read("models: [{name: a, engine: my-engine, template: mine}]")
                        .get(0)
                        .template())
                .isEqualTo("mine");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            []                   | the file must be a mapping of keys to values, not a list
            chat                 | the file must be a mapping of keys to values, not 'chat'
            {}                   | models is required
            models: []           | models must hold at least one model
            models: {name: a}    | models must be a list, not a mapping
            models: [a]          | models[0] must be a mapping of keys to values, not 'a'
            {models: [{name: a}], version: 1} | version is not a known key; known: models
            models: [{name: a b}] | models[0].name must be 1 to 128 letters, digits, . _ : / -, a letter or digit first
            models: [{? [a] : b, name: a}] | models[0] must not have a list or a mapping as a key
            """)
    void theFileHoldsAListOfModelsAndNothingElse(String text, String message) {
        assertThat(complaints(text)).containsExactly("models.yaml line 1: " + message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            models:\\n  - name: [a          | 2 | while parsing a flow sequence
            models:\\n  - name: a\\n   b: c  | 3 | while parsing a block collection
            models:\\n\\t- name: a          | 2 | while scanning for the next token: found character '\\t(TAB)'
            models: [{name: *a}]\\n         | 1 | found undefined alias a
            models: []\\n---\\nmodels: []    | 2 | expected a single document in the stream
            models:\\n  - name: a\\0         | 2 | a control character, code 0
            """)
    void brokenYamlIsRefusedWithItsLine(String text, int line, String problem) {
        assertThat(complaints(text.translateEscapes()))
                .singleElement()
                .asString()
                .startsWith("models.yaml line " + line + ": not valid YAML")
                .contains(problem.translateEscapes().replace("\t(TAB)", "\\t(TAB)"));
    }

    @Test
    void allProblemsAreSaidAtOnceInTheOrderOfTheFile() {
        assertThat(
                        complaints(
                                """
                                models:
                                  - name: a
                                    defaults: {top_p: 0.9}
                                    bounds: {top_p: [0, 0.5]}
                                    slot: 1
                                  - name: a
                                    slots: 0
                                    engine: abacus
                                  - context: none
                                """))
                .containsExactly(
                        "models.yaml line 3: models[0].defaults.top_p must be within the model's bounds, 0 to 0.5, not 0.9",
                        "models.yaml line 5: models[0].slot is not a known key; known: name, aliases, engine, file, template,"
                                + " context, slots, threads, args, url, upstream_model, key_env, key_file, continuation, defaults, bounds",
                        "models.yaml line 6: models[1].name 'a' is taken: it is models[0].name, line 2",
                        "models.yaml line 7: models[1].slots must be between 1 and 10000, not 0",
                        "models.yaml line 8: models[1].engine names abacus, but the routes have no engines/abacus.kamelet.yaml",
                        "models.yaml line 9: models[2].context must be a whole number, not 'none'",
                        "models.yaml line 9: models[2].name is required");
    }

    @Test
    void ofManyProblemsTwentyAreSaidAndTheRestCounted() {
        String text = "models:\n"
                + IntStream.range(0, 23)
                        .mapToObj(i -> "  - {name: m" + i + ", slots: 0}\n")
                        .collect(Collectors.joining());
        assertThat(complaints(text)).hasSize(21).last().isEqualTo("… and 3 more");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n\n", "# nothing yet\n", "---\n"})
    void anEmptyFileIsRefused(String text) {
        assertThat(complaints(text))
                .containsExactly("FLUX_MODELS names models.yaml, which is empty: it needs models: with at least one");
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        Path missing = folder.resolve("missing.yaml");
        assertThatThrownBy(() -> ModelsFile.read(missing))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("FLUX_MODELS names " + missing + ", which does not exist");
        assertThatThrownBy(() -> ModelsFile.read(folder))
                .hasMessage("FLUX_MODELS names " + folder + ", which is a folder");
    }

    @Test
    void aFileThatIsNoTextIsRefused() throws IOException {
        Path file = Files.write(folder.resolve("models.yaml"), "models: ä".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> ModelsFile.read(file))
                .hasMessage("FLUX_MODELS names " + file
                        + ", which is not UTF-8 text: byte 0xE4 at line 1, column 9 is not UTF-8");
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheText() {
        assertThat(read("\uFEFFmodels: [{name: a}]")).hasSize(1);
    }

    private List<ModelSpec> read(String text) {
        try {
            Path file = Files.writeString(folder.resolve("models.yaml"), text);
            return ModelsFile.read(file, engine -> !engine.equals("abacus"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The lines of the message, with the file's name and not its path. */
    private List<String> complaints(String text) {
        Throwable refusal = catchThrowable(() -> read(text));
        assertThat(refusal).as(text).isInstanceOf(IllegalArgumentException.class);
        assertThat(refusal.getStackTrace()[0].getClassName()).startsWith("io.flux.");
        return refusal.getMessage().replace(folder + "/", "").lines().toList();
    }
}
