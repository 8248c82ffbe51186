package io.flux.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Utf8Test {
    @TempDir
    Path folder;

    @Test
    void aByteOrderMarkIsNoPartOfTheText() throws Exception {
        assertThat(Utf8.decode("\uFEFFgrüße 🌙\n".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("grüße 🌙\n");
        assertThat(Utf8.decode("\uFEFF".getBytes(StandardCharsets.UTF_8))).isEmpty();
        assertThat(Utf8.decode(new byte[0])).isEmpty();
        Path file = Files.writeString(folder.resolve("marked"), "\uFEFFtext");
        assertThat(Utf8.read(file)).isEqualTo("text");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32", "x-UTF-16LE-BOM", "X-UTF-32BE-BOM"})
    void textOfWiderUnitsIsRefused(String charset) {
        byte[] bytes = "Write me a poem".getBytes(Charset.forName(charset));
        assertThatThrownBy(() -> Utf8.decode(bytes)).isInstanceOf(Utf8.NotUtf8Exception.class);
    }

    @Test
    void theReasonNamesTheEncodingOrThePlace() {
        assertThatThrownBy(() -> Utf8.decode("x".getBytes(StandardCharsets.UTF_16)))
                .hasMessage("it is UTF-16 or UTF-32, and must be UTF-8");
        assertThatThrownBy(() -> Utf8.decode("id,prompt\n1,ein Gru\u00DF".getBytes(StandardCharsets.ISO_8859_1)))
                .hasMessage("byte 0xDF at line 2, column 10 is not UTF-8");
        assertThatThrownBy(() -> Utf8.decode(new byte[] {'a', (byte) 0xC0, (byte) 0x80}))
                .as("overlong")
                .hasMessage("byte 0xC0 at line 1, column 2 is not UTF-8");
        assertThatThrownBy(() -> Utf8.decode(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0xBD}))
                .as("half a character")
                .isInstanceOf(Utf8.NotUtf8Exception.class);
        assertThatThrownBy(() -> Utf8.decode(new byte[] {'a', (byte) 0xE2, (byte) 0x82}))
                .as("cut off")
                .hasMessage("byte 0xE2 at line 1, column 2 is not UTF-8");
    }
}
