package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionsTest {

    private static Options parse(String... arguments) throws Options.Misuse {
        return Options.parse(List.of(arguments), Map.of());
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
        Options options = parse("-");

        assertThat(options.fromStdin()).isTrue();
        assertThat(options.prompt()).isNull();
    }

    @Test
    void requestOptionsBecomeTheFieldsOfTheProtocol() throws Exception {
        Options options = parse(
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
    void nothingIsSentThatWasNotAskedFor() throws Exception {
        assertThat(parse("hello").parameters()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"250, 250", "250ms, 250", "30s, 30000", "2m, 120000", "1h, 3600000"})
    void timeoutsHaveUnits(String timeout, long ms) throws Exception {
        assertThat(parse("--timeout", timeout, "x").parameters()).containsEntry("timeout_ms", ms);
    }

    @Test
    void theAddressIsTheOptionsThenTheEnvironmentsThenTheDefault() throws Exception {
        Map<String, String> environment = Map.of("FLUX_URL", "http://env:1");

        assertThat(Options.parse(List.of("--url", "http://option:2", "x"), environment)
                        .url())
                .isEqualTo(URI.create("http://option:2"));
        assertThat(Options.parse(List.of("x"), environment).url()).isEqualTo(URI.create("http://env:1"));
        assertThat(Options.parse(List.of("x"), Map.of("FLUX_URL", "")).url())
                .isEqualTo(URI.create("http://127.0.0.1:8080"));
    }

    @ParameterizedTest
    @CsvSource({
        "http://h:1, ws://h:1/ws/generate",
        "http://h:1/, ws://h:1/ws/generate",
        "https://h, wss://h/ws/generate",
        "ws://h:1/ws/generate, ws://h:1/ws/generate",
        "https://h/flux/, wss://h/flux/ws/generate",
        "http://[::1]:8080, ws://[::1]:8080/ws/generate"
    })
    void theWebSocketIsUnderTheAddress(String url, String webSocket) throws Exception {
        assertThat(parse("--url", url, "x").webSocket()).isEqualTo(URI.create(webSocket));
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost:9999, true",
        "http://127.0.0.1:9999, true",
        "http://[::1]:9999, true",
        "http://flux.example, false",
        "http://127.example, false"
    })
    void anAddressOfThisMachineMayBeServedByAFluxOfOurOwn(String url, boolean here) throws Exception {
        assertThat(parse("--url", url, "x").onThisMachine()).isEqualTo(here);
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
                "--timeout=soon | --timeout must be a time such as 500ms, 30s, 2m or 1h, not 'soon'",
                "--url=flux | the URL of Flux must look like http://host:8080, not 'flux'",
                "--url=ftp://flux | the URL of Flux must look like http://host:8080, not 'ftp://flux'"
            })
    void misuseIsNamed(String argument, String message) {
        assertThatThrownBy(() -> parse("prompt", argument))
                .isInstanceOf(Options.Misuse.class)
                .hasMessageStartingWith(message);
    }
}
