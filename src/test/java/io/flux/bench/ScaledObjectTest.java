package io.flux.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScaledObjectTest {
    private static final String MINIMAL =
            """
            kind: ScaledObject
            spec:
              advanced:
                scalingModifiers:
                  formula: (waiting + running) / 2 + 1
                  target: "4"
              triggers:
                - type: redis
                  name: waiting
                  metadata:
                    listName: flux:{default}:waiting
                - type: redis
                  name: running
                  metadata:
                    listName: flux:{default}:running
            """;

    @TempDir
    Path folder;

    @Test
    void whatIsNotSaidIsWhatKedaAndKubernetesTake() throws IOException {
        ScaledObject scaled = ScaledObject.read(file(MINIMAL));
        assertThat(scaled.polling()).isEqualTo(Duration.ofSeconds(30));
        assertThat(scaled.cooldown()).isEqualTo(Duration.ofMinutes(5));
        assertThat(scaled.minReplicas()).isZero();
        assertThat(scaled.maxReplicas()).isEqualTo(100);
        assertThat(scaled.up().stabilization()).isZero();
        assertThat(scaled.up().policies()).hasSize(2);
        assertThat(scaled.down().stabilization()).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    void theFormulaIsMadeOfTheTriggersNames() throws IOException {
        ScaledObject scaled = ScaledObject.read(file(MINIMAL));
        assertThat(scaled.triggers())
                .containsExactly(
                        new ScaledObject.Trigger("waiting", "flux:{default}:waiting"),
                        new ScaledObject.Trigger("running", "flux:{default}:running"));
        assertThat(scaled.value(Map.of("waiting", 10L, "running", 4L))).isEqualTo(8);
    }

    @Test
    void aFormulaThatCannotBePlayedIsRefusedWithItsFile() {
        assertThatThrownBy(() -> ScaledObject.read(file(MINIMAL.replace("/ 2", "/ nobody"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("scaled.yaml")
                .hasMessageContaining("nobody");
        assertThatThrownBy(() -> ScaledObject.read(file(MINIMAL.replace("type: redis", "type: kafka"))))
                .hasMessageContaining("type 'kafka'");
        assertThatThrownBy(() -> ScaledObject.read(file(MINIMAL.replace("\"4\"", "0"))))
                .hasMessageContaining("target must be more than 0");
        assertThatThrownBy(() -> ScaledObject.read(file("kind: Pod")))
                .hasMessageContaining("kind must be ScaledObject");
    }

    @Test
    void fasterDividesEachOfItsTimes() throws IOException {
        ScaledObject faster = ScaledObject.read(file(MINIMAL)).faster(10);
        assertThat(faster.polling()).isEqualTo(Duration.ofSeconds(3));
        assertThat(faster.cooldown()).isEqualTo(Duration.ofSeconds(30));
        assertThat(faster.down().stabilization()).isEqualTo(Duration.ofSeconds(30));
        assertThat(faster.down().policies().get(0).period()).isEqualTo(Duration.ofMillis(1500));
        assertThat(faster.down().policies().get(0).value()).isEqualTo(100);
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("scaled.yaml"), text);
    }
}
