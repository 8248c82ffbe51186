package io.flux.config;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * The rules that a JSON schema of ours holds, so that editors and Flux go by the same ones. What is wrong is said in the
 * words of people who write the file; where the schema has words of its own, in {@code errorMessage}, in those.
 */
public final class YamlSchema {
    private final JsonNode text;
    private final JsonSchema schema;

    /**
     * @param resource the schema's file among the resources, {@code /models.schema.json}
     */
    public YamlSchema(String resource) {
        try (InputStream in = YamlSchema.class.getResourceAsStream(resource)) {
            text = new ObjectMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
                .getSchema(
                        text,
                        SchemaValidatorsConfig.builder()
                                .pathType(PathType.JSON_POINTER)
                                .errorMessageKeyword("errorMessage")
                                .build());
    }

    /** Adds what breaks a rule to the problems. */
    public void check(YamlDocument document, Problems problems) {
        for (ValidationMessage broken : schema.validate(document.root())) {
            JsonPointer at = JsonPointer.compile(broken.getInstanceLocation().toString());
            // It is a key of that mapping that is missing or too much.
            JsonPointer subject = broken.getProperty() == null ? at : at.appendProperty(broken.getProperty());
            problems.add(document.line(subject), YamlDocument.name(subject) + " " + rule(broken, document, at));
        }
    }

    private String rule(ValidationMessage broken, YamlDocument document, JsonPointer at) {
        JsonNode limit = broken.getSchemaNode();
        JsonNode rules = text.at(
                JsonPointer.compile(broken.getSchemaLocation().getFragment().toString())
                        .head());
        String not = ", not " + shown(broken.getInstanceNode(), document.written(at));
        String own = rules.path("errorMessage").asText();
        return switch (broken.getType()) {
            case "type" ->
                broken.getInstanceNode().isNull()
                        ? "has no value: give it one, or leave the key out"
                        : "must be " + typeName(limit) + not + (limit.asText().equals("string") ? " (quote it)" : "");
            case "additionalProperties" -> "is not a known key; known: " + join(names(rules.path("properties")));
            case "required" -> own.isEmpty() ? "is required" : own;
            case "minLength" -> "must not be empty";
            case "enum" -> "must be one of " + join(texts(limit)) + not;
            case "minimum", "maximum" -> range(rules, limit) + not;
            default -> own.isEmpty() ? broken.getError() : own;
        };
    }

    private static String range(JsonNode rules, JsonNode broken) {
        String min = rules.path("minimum").asText();
        String max = rules.path("maximum").asText();
        if (!max.equals(String.valueOf(Integer.MAX_VALUE))) {
            return "must be between " + min + " and " + max;
        }
        // The largest that fits is said to whom it concerns.
        return broken.asText().equals(max) ? "must be at most " + max : "must be at least " + min;
    }

    private static String typeName(JsonNode type) {
        return switch (type.isArray() ? "string" : type.asText()) {
            case "integer" -> "a whole number";
            case "number" -> "a number";
            case "array" -> "a list";
            case "object" -> "a mapping of keys to values";
            default -> "text";
        };
    }

    private static String shown(JsonNode value, String written) {
        if (value.isContainerNode()) {
            return value.isArray() ? "a list" : "a mapping";
        }
        return value.isTextual() ? "'" + written + "'" : written;
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .collect(Collectors.toList());
    }

    private static String join(List<String> words) {
        return String.join(", ", words);
    }
}
