package io.flux.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretTest {
    @TempDir
    Path folder;

    @Test
    void aByteOrderMarkIsNoPartOfASecret() throws IOException {
        assertThat(Secret.ofFile(Files.writeString(folder.resolve("key"), "\uFEFFs3cret\r\n"))
                        .read())
                .isEqualTo("s3cret");
        Path empty = Files.writeString(folder.resolve("empty"), "\uFEFF\n");
        assertThatThrownBy(() -> Secret.ofFile(empty).read()).hasMessage("file " + empty + " holds no key");
    }
}
