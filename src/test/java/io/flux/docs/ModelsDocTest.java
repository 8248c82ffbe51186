package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import io.flux.job.ChatTemplate;
import io.flux.model.ModelSpec;
import io.flux.model.ModelsFile;
import io.flux.model.Parameters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** The schema of the models file, its reference and its page say what the code does, and the same. */
class ModelsDocTest {
    private static final Path REFERENCE = Path.of("docs/models.example.yaml");
    private static final Path PAGE = Path.of("docs/models.md");
    private static final Pattern KEY = Pattern.compile("( *)(?:- )?([a-z_]+):.*");
    private static final Pattern FENCE = Pattern.compile("```(\\w+)\n(.*?)```", Pattern.DOTALL);
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static JsonNode schema;

    @TempDir
    Path folder;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream in = ModelsDocTest.class.getResourceAsStream("/models.schema.json")) {
            schema = MAPPER.readTree(in);
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
    void theSchemaKnowsWhatTheCodeKnows() {
        assertThat(names(model().path("defaults"))).isEqualTo(Parameters.NAMES);
        assertThat(names(model().path("bounds"))).isEqualTo(Parameters.NAMES);
        assertThat(texts(model().path("continuation").path("enum")))
                .containsExactly(Arrays.stream(ModelSpec.Continuation.values())
                        .map(ModelSpec.Continuation::configName)
                        .toArray(String[]::new));
        assertThat(texts(schema.at("/definitions/model/allOf/2/then/properties/template/enum")))
                .containsExactly(Arrays.stream(ChatTemplate.values())
                        .map(template -> template.name().toLowerCase(Locale.ROOT))
                        .toArray(String[]::new));
    }

    @Test
    void theReferenceIsValidAndHasEveryKey() throws IOException {
        assertThat(ModelsFile.read(REFERENCE)).hasSize(3);
        assertThat(Files.readAllLines(REFERENCE).get(0))
                .isEqualTo("# yaml-language-server: $schema=../src/main/resources/models.schema.json");
        assertThat(comments().keySet()).containsExactlyInAnyOrderElementsOf(rules().keySet());
    }

    @Test
    void theReferenceStatesTheDefaultsAndTheRangesOfTheSchema() throws IOException {
        Map<String, String> stated = new TreeMap<>();
        comments()
                .forEach((key, comment) ->
                        stated.put(key, said(comment, "Default: ") + " / " + said(comment, "Allowed: ")));
        Map<String, String> ruled = new TreeMap<>();
        rules().forEach((key, rule) -> ruled.put(key, initial(rule) + " / " + allowed(rule)));
        assertThat(stated).isEqualTo(ruled);
    }

    @Test
    void everyExampleOfTheSchemaIsAllowedByIt() throws IOException {
        for (Map.Entry<String, JsonNode> key : model().properties()) {
            boolean openai = key.getValue().path("description").asText().contains("Only with engine openai");
            for (JsonNode example : key.getValue().path("examples")) {
                Map<String, Object> entry = new TreeMap<>(Map.of("name", "a"));
                if (openai || example.asText().equals("openai")) {
                    entry.putAll(Map.of("engine", "openai", "url", "http://h/v1"));
                }
                entry.put(key.getKey(), MAPPER.convertValue(example, Object.class));
                write(new Yaml().dump(Map.of("models", List.of(entry))));
                assertThat(ModelsFile.read(folder.resolve("models.yaml"))).hasSize(1);
            }
        }
    }

    @Test
    void everyFileOfThePageIsValidOrSaysWhatThePageSaysOfIt() throws IOException {
        List<String[]> blocks = new ArrayList<>();
        Matcher fence = FENCE.matcher(Files.readString(PAGE));
        while (fence.find()) {
            blocks.add(new String[] {fence.group(1), fence.group(2)});
        }
        for (int i = 0; i < blocks.size(); i++) {
            if (blocks.get(i)[0].equals("yaml")) {
                write(blocks.get(i)[1]);
                boolean refused = i + 1 < blocks.size() && blocks.get(i + 1)[1].startsWith("models.yaml line");
                assertThat(complaints()).isEqualTo(refused ? blocks.get(i + 1)[1] : "");
            }
        }
        Files.delete(folder.resolve("models.yaml"));
        assertThat(blocks).extracting(block -> block[1]).contains(complaints());
    }

    private void write(String text) throws IOException {
        Files.writeString(folder.resolve("models.yaml"), text);
    }

    private String complaints() {
        Throwable refusal = catchThrowable(() -> ModelsFile.read(folder.resolve("models.yaml")));
        return refusal == null ? "" : refusal.getMessage().replace(folder + "/", "") + "\n";
    }

    private static JsonNode model() {
        return schema.at("/definitions/model/properties");
    }

    private static List<String> names(JsonNode object) {
        return object.path("properties").properties().stream()
                .map(Map.Entry::getKey)
                .toList();
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    /** What the schema says of each key: {@code slots}, {@code defaults.top_k}. */
    private static Map<String, JsonNode> rules() {
        Map<String, JsonNode> rules = new TreeMap<>();
        rules.put("models", schema.at("/properties/models"));
        for (Map.Entry<String, JsonNode> key : model().properties()) {
            rules.put(key.getKey(), key.getValue());
            for (Map.Entry<String, JsonNode> inner :
                    key.getValue().path("properties").properties()) {
                JsonNode reference = inner.getValue().path("$ref");
                rules.put(
                        key.getKey() + "." + inner.getKey(),
                        reference.isMissingNode()
                                ? inner.getValue()
                                : schema.at(reference.asText().substring(1)));
            }
        }
        return rules;
    }

    /** The comment above each key of the reference, where it is first. */
    private static Map<String, String> comments() throws IOException {
        Map<String, String> comments = new TreeMap<>();
        StringBuilder comment = new StringBuilder();
        String outer = "";
        for (String line : Files.readAllLines(REFERENCE)) {
            Matcher key = KEY.matcher(line);
            if (line.strip().startsWith("#")) {
                comment.append(line.strip().substring(1).strip()).append('\n');
            } else if (key.matches()) {
                boolean inner = key.group(1).length() > 4;
                outer = inner ? outer : key.group(2);
                comments.putIfAbsent(inner ? outer + "." + key.group(2) : outer, comment.toString());
                comment.setLength(0);
            } else {
                comment.setLength(0);
            }
        }
        return comments;
    }

    /** What a line of a comment says after these words; "-" without one. */
    private static String said(String comment, String words) {
        return comment.lines()
                .filter(line -> line.startsWith(words))
                .map(line -> line.substring(words.length()))
                .findFirst()
                .orElse("-");
    }

    private static String initial(JsonNode rule) {
        JsonNode initial = rule.path("default");
        return initial.isMissingNode() ? "-" : initial.isTextual() ? initial.asText() : initial.toString();
    }

    private static String allowed(JsonNode rule) {
        if (rule.has("enum")) {
            return String.join(", ", texts(rule.path("enum")));
        }
        if (!rule.has("minimum")) {
            return "-";
        }
        boolean endless = rule.path("maximum").asLong() == Integer.MAX_VALUE;
        return rule.path("minimum").asText()
                + (endless ? " or more" : " to " + rule.path("maximum").asText());
    }
}
