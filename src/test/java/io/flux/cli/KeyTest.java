package io.flux.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.access.KeyHash;
import io.flux.access.KeysFile;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int key(String... arguments) throws InterruptedException {
        return new Key(out, new PrintStream(err, true, StandardCharsets.UTF_8)).run(List.of(arguments));
    }

    @Test
    void theKeyGoesToStdoutAndItsEntryToStderr() throws InterruptedException {
        assertThat(key(
                        "acme",
                        "--models",
                        "default,chat",
                        "--jobs=100",
                        "--rate",
                        "2.5",
                        "--burst",
                        "20",
                        "--operator"))
                .isEqualTo(ExitCode.DONE);
        String key = out.toString(StandardCharsets.UTF_8).strip();
        String told = err.toString(StandardCharsets.UTF_8);
        assertThat(key).matches("flux_[A-Za-z0-9_-]{43}");
        assertThat(told).doesNotContain(key);
        String entry = told.substring(told.indexOf('\n') + 1);
        assertThat(entry)
                .isEqualTo(
                        """
                          - tenant: acme
                            sha256: "%s"
                            models: [default, chat]
                            jobs: 100
                            rate: 2.5
                            burst: 20
                            operator: true
                        """
                                .formatted(KeyHash.hex(key)));
        KeysFile.check("printed", "keys:\n" + entry);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|key takes one tenant",
                "acme other|key takes one tenant",
                "Acme|the entry line 2: keys[0].tenant must be 1 to 64 small letters",
                "acme --rate 0|the entry line 4: keys[0].rate must be between",
                "acme --jobs many|--jobs must be a whole number",
                "acme --burst 5|the entry line 4: keys[0].burst needs a rate",
                "acme --key x|there is no option --key"
            })
    void whatMakesNoEntryIsMisuse(String line, String complaint) throws InterruptedException {
        assertThat(key(line.isEmpty() ? new String[0] : line.split(" "))).isEqualTo(ExitCode.MISUSED);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("flux: " + complaint);
    }

    @Test
    void helpIsHelp() throws InterruptedException {
        assertThat(key("--help")).isEqualTo(ExitCode.DONE);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(Key.HELP);
    }
}
