package io.flux.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedFileTest {
    @TempDir
    Path folder;

    /** Keys, models and certificates are read by this. */
    @Test
    void aByteOrderMarkIsNoPartOfItsText() throws IOException {
        Path file = Files.writeString(folder.resolve("cert.pem"), "\uFEFF-----BEGIN CERTIFICATE-----\n");
        assertThat(new NamedFile("FLUX_TLS_CERT", file).text()).isEqualTo("-----BEGIN CERTIFICATE-----\n");
    }

    @Test
    void textInAnotherEncodingIsRefusedWithTheReason() throws IOException {
        Path file = Files.write(folder.resolve("keys.yaml"), "keys:".getBytes(StandardCharsets.UTF_16));
        assertThatThrownBy(() -> new NamedFile("FLUX_KEYS", file).text())
                .hasMessage("FLUX_KEYS names " + file
                        + ", which is not UTF-8 text: it is UTF-16 or UTF-32, and must be UTF-8");
    }
}
