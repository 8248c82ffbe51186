package io.flux;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.model.ModelSpec;
import io.flux.model.Parameters;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

class EngineMemoryTest {
    private static final long GB = DataSize.ofGigabytes(1).toBytes();

    @Test
    void anOptionIsTakenAsItIs() {
        assertThat(EngineMemory.bytes(DataSize.ofGigabytes(5), List.of(model("bundled", 2)), 8 * GB))
                .isEqualTo(5 * GB);
        assertThat(EngineMemory.bytes(DataSize.ofBytes(0), List.of(model("bundled", 2)), 8 * GB))
                .isZero();
    }

    @Test
    void withoutOneAllEnginesThatMayRunShareThreeQuartersOfTheMachine() {
        assertThat(EngineMemory.bytes(null, List.of(model("bundled", 1)), 16 * GB))
                .isEqualTo(12 * GB);
        assertThat(EngineMemory.bytes(null, List.of(model("llama-completion", 2), model("llama-server", 8)), 16 * GB))
                .isEqualTo(4 * GB);
        assertThat(EngineMemory.bytes(null, List.of(model("openai", 64)), 16 * GB))
                .isEqualTo(12 * GB);
        assertThat(EngineMemory.bytes(null, List.of(model("bundled", 64)), 16 * GB))
                .isEqualTo(GB);
        assertThat(EngineMemory.bytes(null, List.of(model("bundled", 1)))).isGreaterThanOrEqualTo(GB);
    }

    private static ModelSpec model(String engine, int slots) {
        return new ModelSpec("m", List.of(), engine, null, null, 0, slots, 0, List.of(), null, Parameters.NONE);
    }
}
