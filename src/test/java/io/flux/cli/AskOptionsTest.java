package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AskOptionsTest {

    private static AskOptions parse(String... arguments) throws Misuse {
        return AskOptions.parse(List.of(arguments), Map.of());
    }

    @Test
    void wordsThatAreNoOptionsAreThePrompt() throws Exception {
        assertThat(parse("What", "is", "Redis?").prompt()).isEqualTo("What is Redis?");
    }

    @Test
    void afterTwoDashesEverythingIsThePrompt() throws Exception {
        assertThat(parse("--quiet", "--", "--what", "-is").prompt()).isEqualTo("--what -is");
    }

    @Test
    void aDashAsksForStdin() throws Exception {
        AskOptions options = parse("-");

        assertThat(options.fromStdin()).isTrue();
        assertThat(options.prompt()).isNull();
    }

    @Test
    void requestOptionsBecomeTheFieldsOfTheProtocol() throws Exception {
        AskOptions options = parse(
                "--model=m",
                "--max-tokens",
                "12",
                "--temperature",
                "0.5",
                "--top-p=0.9",
                "--seed=7",
                "--stop",
                "a",
                "--stop=--b",
                "--timeout=30s",
                "hello");

        assertThat(options.parameters())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "model",
                        "m",
                        "max_tokens",
                        BigInteger.valueOf(12),
                        "temperature",
                        new BigDecimal("0.5"),
                        "top_p",
                        new BigDecimal("0.9"),
                        "seed",
                        BigInteger.valueOf(7),
                        "stop",
                        List.of("a", "--b"),
                        "timeout_ms",
                        30_000L));
    }

    @Test
    void aSchemaAndAGrammarAreGivenOrNameAFile(@TempDir Path folder) throws Exception {
        Path schema = Files.writeString(folder.resolve("schema.json"), "{\n \"const\" : \"é\" }\n");
        Path grammar = Files.writeString(folder.resolve("yes.gbnf"), "root ::= \"yes\"\n");

        assertThat(parse("--json-schema", "{\"b\":{},\"a\":1}", "x")
                        .parameters()
                        .get("json_schema"))
                .hasToString("{\"b\":{},\"a\":1}");
        assertThat(parse("--json-schema=@" + schema, "x").parameters().get("json_schema"))
                .hasToString("{\"const\":\"é\"}");
        assertThat(parse("--grammar", "root ::= \"@\"", "x").parameters()).containsEntry("grammar", "root ::= \"@\"");
        assertThat(parse("--grammar", "@" + grammar, "x").parameters()).containsEntry("grammar", "root ::= \"yes\"\n");
    }

    @Test
    void nothingIsSentThatWasNotAskedFor() throws Exception {
        assertThat(parse("hello").parameters()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"250, 250", "250ms, 250", "30s, 30000", "2m, 120000", "1h, 3600000"})
    void timeoutsHaveUnits(String timeout, long ms) throws Exception {
        assertThat(parse("--timeout", timeout, "x").parameters()).containsEntry("timeout_ms", ms);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--wat | there is no option --wat",
                "-x | there is no option -x",
                "--model | --model needs a value",
                "--json=yes | --json takes no value",
                "--max-tokens=many | --max-tokens must be a whole number, not 'many'",
                "--temperature=warm | --temperature must be a number, not 'warm'",
                "--json-schema={ | --json-schema must be JSON: Unexpected end-of-input",
                "--json-schema={} {} | --json-schema must be JSON: Trailing token",
                "--json-schema= | --json-schema must be JSON, not empty",
                "--grammar=@no/such/file | --grammar cannot read 'no/such/file'",
                "--timeout=soon | --timeout must be a time such as 500ms, 30s, 2m or 1h, not 'soon'",
                "--url=flux | the URL of Flux must look like http://host:8080, not 'flux'",
                "--url=ftp://flux | the URL of Flux must look like http://host:8080, not 'ftp://flux'"
            })
    void misuseIsNamed(String argument, String message) {
        assertThatThrownBy(() -> parse("prompt", argument))
                .isInstanceOf(Misuse.class)
                .hasMessageStartingWith(message);
    }
}
