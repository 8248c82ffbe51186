package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class LlamaServerCommandTest {
    private static final Path PROGRAM = Path.of("/opt/llama/llama-server");
    private static final Path MODEL = Path.of("/models/qwen.gguf");

    @Test
    void theSlotsShareTheThreadsAndTheContextIsForAllOfThem() {
        assertThat(new LlamaServerCommand(PROGRAM, MODEL, 4, 8, 2048, null, List.of("-ngl", "99", "--port", "9"))
                        .line())
                .containsExactly(
                        "/opt/llama/llama-server -m /models/qwen.gguf --host 127.0.0.1 --port 0 --parallel 4 -t 8 -tb 8"
                                .concat(" --poll 0 --no-context-shift -c 8192 -ngl 99 --port 9")
                                .split(" "));
    }

    @Test
    void withoutAContextItIsTheModels() {
        assertThat(new LlamaServerCommand(PROGRAM, MODEL, 1, 1, null, null, List.of()).line())
                .doesNotContain("-c");
    }

    @Test
    void theKeyIsInItsEnvironmentAndNotAmongItsArguments() {
        LlamaServerCommand command = new LlamaServerCommand(PROGRAM, MODEL, 1, 1, null, null, List.of());
        assertThat(command.environment("secret")).containsEntry("LLAMA_API_KEY", "secret");
        assertThat(command.line()).doesNotContain("secret");
    }

    @Test
    void aTemplatesNameIsTakenForOne() {
        LlamaServerCommand command = new LlamaServerCommand(PROGRAM, MODEL, 1, 1, null, "zephyr", List.of());
        assertThat(command.line()).containsSequence("--chat-template", "zephyr");
        assertThat(command.environment("secret")).containsEntry("LLAMA_ARG_JINJA", "0");
    }
}
