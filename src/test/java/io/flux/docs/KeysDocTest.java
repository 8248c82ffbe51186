package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import io.flux.access.KeysFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** The schema of the file of keys and its reference say what the code does, and the same. */
class KeysDocTest {
    private static final Path REFERENCE = Path.of("docs/keys.example.yaml");
    private static JsonNode schema;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream in = KeysDocTest.class.getResourceAsStream("/keys.schema.json")) {
            schema = new ObjectMapper().readTree(in);
        }
    }

    @Test
    void theSchemaIsOne() {
        assertThat(JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
                        .getSchema(SchemaLocation.of(
                                schema.path("$schema").asText().replace("#", "")))
                        .validate(schema))
                .isEmpty();
    }

    @Test
    void theReferenceIsValidToFluxAndToEditorsAndHasEveryKey() throws IOException {
        KeysFile.check(REFERENCE);
        Map<String, List<Map<String, Object>>> file = new Yaml().load(Files.readString(REFERENCE));
        assertThat(JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
                        .getSchema(schema)
                        .validate(new ObjectMapper().valueToTree(file)))
                .isEmpty();
        assertThat(file.get("keys").stream().flatMap(entry -> entry.keySet().stream()))
                .containsAll(
                        rules().properties().stream().map(Map.Entry::getKey).toList());
        assertThat(Files.readAllLines(REFERENCE).get(0))
                .isEqualTo("# yaml-language-server: $schema=../src/main/resources/keys.schema.json");
    }

    @Test
    void theReferenceStatesTheRangesOfTheSchema() throws IOException {
        String text = Files.readString(REFERENCE);
        for (String key : List.of("rate", "burst")) {
            JsonNode rule = rules().path(key);
            assertThat(text)
                    .contains("# Allowed: " + rule.path("minimum").asText() + " to "
                            + rule.path("maximum").asText() + "\n    " + key + ":");
        }
        assertThat(text).contains("# Allowed: 1 or more\n    jobs:");
    }

    private static JsonNode rules() {
        return schema.at("/definitions/key/properties");
    }
}
