package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A llama-completion that answers at once, whatever it is asked; it fails when the prompt begins with "exit". */
final class QuickEngine {
    private static final String SCRIPT =
            """
            #!/bin/sh
            read -r first
            cat > /dev/null
            case "$first" in exit*) exit 7 ;; esac
            printf 'Salt [end of text]\\n\\n'
            cat >&2 <<'LOG'
            0.00.062.392 I common_perf_print: prompt eval time =       2.23 ms /    12 tokens (    0.19 ms per token)
            0.00.062.393 I common_perf_print:        eval time =       1.85 ms /     7 runs   (    0.26 ms per token)
            0.00.062.395 I common_perf_print:   graph reallocs =          0    /     0        (same size)
            LOG
            """;

    private QuickEngine() {}

    /** Makes it in a new folder, which is returned. */
    static Path in(Path folder) throws IOException {
        Files.createDirectories(folder);
        assertThat(Files.writeString(folder.resolve("llama-completion"), SCRIPT)
                        .toFile()
                        .setExecutable(true))
                .isTrue();
        return folder;
    }
}
