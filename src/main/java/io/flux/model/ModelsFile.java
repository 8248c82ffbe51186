package io.flux.model;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import io.flux.config.NamedFile;
import io.flux.config.Problems;
import io.flux.config.YamlDocument;
import io.flux.config.YamlSchema;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The file that {@code FLUX_MODELS} names: the models of a process. {@code models.schema.json} holds its rules, {@code
 * docs/models.example.yaml} explains it.
 */
public final class ModelsFile {
    private final Path folder;
    private final YamlDocument document;

    private ModelsFile(Path folder, YamlDocument document) {
        this.folder = folder;
        this.document = document;
    }

    /**
     * Reads a file.
     *
     * @param engines whether there is an engine of that name
     * @return at least one model, in the order of the file
     * @throws IllegalArgumentException when the file is not there or breaks a rule; the message has a line for each, with
     *     its line in the file
     */
    public static List<ModelSpec> read(Path file, Predicate<String> engines) {
        NamedFile named = new NamedFile("FLUX_MODELS", file);
        Problems problems = new Problems(file.toString());
        YamlDocument document = YamlDocument.parse(named.text(), problems);
        if (!document.root().isMissingNode()) {
            new YamlSchema("/models.schema.json").check(document, problems);
            new ModelRules(document, problems).check(engines);
        }
        problems.refuseAny();
        if (document.root().isMissingNode()) {
            throw named.refused("is empty: it needs models: with at least one");
        }
        return new ModelsFile(file.toAbsolutePath().getParent(), document).models();
    }

    /** Reads a file whatever engines there are. */
    public static List<ModelSpec> read(Path file) {
        return read(file, engine -> true);
    }

    private List<ModelSpec> models() {
        List<ModelSpec> models = new ArrayList<>();
        for (JsonNode entry : document.root().path("models")) {
            models.add(model(entry, JsonPointer.compile("/models").appendIndex(models.size())));
        }
        return models;
    }

    private ModelSpec model(JsonNode entry, JsonPointer at) {
        String engine = entry.path("engine").asText("bundled");
        return new ModelSpec(
                entry.path("name").asText(),
                texts(entry, at, "aliases"),
                engine,
                path(entry, "file"),
                entry.path("template").asText(null),
                entry.path("context").asInt(0),
                entry.path("slots").asInt(1),
                entry.path("threads").asInt(0),
                texts(entry, at, "args"),
                engine.equals("openai") ? upstream(entry) : null,
                parameters(entry));
    }

    private ModelSpec.Upstream upstream(JsonNode entry) {
        String continuation = entry.path("continuation").asText("no");
        return new ModelSpec.Upstream(
                URI.create(entry.path("url").asText()),
                entry.path("upstream_model").asText(entry.path("name").asText()),
                key(entry),
                Arrays.stream(ModelSpec.Continuation.values())
                        .filter(choice -> choice.configName().equals(continuation))
                        .findFirst()
                        .orElseThrow());
    }

    private Secret key(JsonNode entry) {
        if (entry.has("key_env")) {
            return Secret.ofEnvironment(entry.path("key_env").asText());
        }
        return entry.has("key_file") ? Secret.ofFile(path(entry, "key_file")) : null;
    }

    private static Parameters parameters(JsonNode entry) {
        Map<String, Number> defaults = new HashMap<>();
        entry.path("defaults")
                .fields()
                .forEachRemaining(value -> defaults.put(value.getKey(), number(value.getValue())));
        Map<String, Parameters.Range> bounds = new HashMap<>();
        entry.path("bounds")
                .fields()
                .forEachRemaining(range -> bounds.put(
                        range.getKey(),
                        new Parameters.Range(
                                number(range.getValue().path(0)),
                                number(range.getValue().path(1)))));
        return new Parameters(defaults, bounds);
    }

    /** 256.0 is a whole number to a schema. */
    private static Number number(JsonNode value) {
        return value.asDouble() % 1 == 0 ? (Number) value.asLong() : (Number) value.asDouble();
    }

    /** Texts as they are written: an argument 1.10 is not 1.1. */
    private List<String> texts(JsonNode entry, JsonPointer at, String key) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < entry.path(key).size(); i++) {
            texts.add(document.written(at.appendProperty(key).appendIndex(i)));
        }
        return texts;
    }

    private Path path(JsonNode entry, String key) {
        return entry.has(key) ? folder.resolve(entry.path(key).asText()).normalize() : null;
    }
}
