package io.flux.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.flux.e2e.Machine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What {@code kubectl apply -k} would send. */
final class Kustomized {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private Kustomized() {}

    /** The resources of a folder with a {@code kustomization.yaml}. */
    static List<JsonNode> build(Path folder) {
        try {
            Path output = Files.createTempFile("kustomized", ".yaml");
            Path errors = Files.createTempFile("kustomized", ".log");
            int code = new ProcessBuilder(command(folder))
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile())
                    .start()
                    .waitFor();
            // A warning is a field that is on its way out.
            assertThat(Files.readString(errors)).as("kustomize, of %s", folder).isEmpty();
            assertThat(code).isZero();
            try (var resources = YAML.readerFor(JsonNode.class).<JsonNode>readValues(output.toFile())) {
                return resources.readAll();
            } finally {
                Files.delete(output);
                Files.delete(errors);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> command(Path folder) {
        return Machine.isInPath("kustomize")
                ? List.of("kustomize", "build", folder.toString())
                : List.of(Machine.inPath("kubectl").toString(), "kustomize", folder.toString());
    }
}
