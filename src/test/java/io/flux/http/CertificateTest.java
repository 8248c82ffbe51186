package io.flux.http;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are none; {@code TlsIT} has those that are. */
class CertificateTest {
    private static Vertx vertx;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void filesThatAreNoCertificateAreSaidToBeNone() throws IOException {
        Path nonsense = Files.writeString(folder.resolve("nonsense.pem"), "nonsense");
        assertThatThrownBy(() -> new Certificate(vertx, nonsense, nonsense))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("which are not a certificate and its key in PEM");
    }

    @Test
    void aFileThatIsNotThereIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("some.pem"), "nonsense");
        Path nowhere = folder.resolve("nowhere.pem");
        assertThatThrownBy(() -> new Certificate(vertx, nowhere, file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("FLUX_TLS_CERT names " + nowhere + ", which does not exist");
    }
}
