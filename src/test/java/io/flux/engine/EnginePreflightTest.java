package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnginePreflightTest {
    @TempDir
    Path folder;

    @Test
    void aCommandIsFoundInItsFolderOrOnTheSearchPath() throws IOException {
        Path command = Files.writeString(folder.resolve("llama-completion"), "#!/bin/sh\n");
        assertThat(command.toFile().setExecutable(true)).isTrue();
        assertThat(new EnginePreflight(folder, null).command("llama-completion"))
                .isEqualTo(command);
        String path = folder.resolve("other") + File.pathSeparator + folder;
        assertThat(new EnginePreflight(null, path).command("llama-completion")).isEqualTo(command);
    }

    @Test
    void aMissingCommandIsNamedWithTheSettingThatHelps() {
        assertThatIllegalStateException()
                .isThrownBy(() -> new EnginePreflight(folder, "/bin").command("llama-completion"))
                .withMessage("llama-completion not found in FLUX_LLAMA_DIR=" + folder
                        + "; set FLUX_LLAMA_DIR to the folder of the llama.cpp commands");
        assertThatIllegalStateException()
                .isThrownBy(() -> new EnginePreflight(null, folder.toString()).command("llama-completion"))
                .withMessage("llama-completion not found on PATH=" + folder
                        + "; set FLUX_LLAMA_DIR to the folder of the llama.cpp commands");
    }

    @Test
    void aFileThatCannotBeRunIsNamed() throws IOException {
        Path command = Files.writeString(folder.resolve("llama-completion"), "");
        assertThatIllegalStateException()
                .isThrownBy(() -> new EnginePreflight(folder, null).command("llama-completion"))
                .withMessageStartingWith(command + " is not executable");
    }

    @Test
    void aModelMustBeAGgufFileThatExists() throws IOException {
        EnginePreflight preflight = new EnginePreflight(null, null);
        Path file = folder.resolve("model.gguf");
        refuses(preflight, file, "model file " + file + " does not exist");
        Files.writeString(file, "GG");
        refuses(preflight, file, "model file " + file + " is not a GGUF file");
        Files.writeString(file, "GGUF…");
        assertThat(preflight.model(file)).isEqualTo(file);
        refuses(preflight, folder, "model file " + folder + " is not a file");
    }

    private static void refuses(EnginePreflight preflight, Path file, String message) {
        assertThatIllegalStateException()
                .isThrownBy(() -> preflight.model(file))
                .withMessageStartingWith(message)
                .withMessageContaining("set FLUX_MODEL_FILE");
    }
}
