package io.flux.docs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.DisallowUnknownKeywordFactory;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.NonValidationKeyword;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidatorTypeCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** One of the two documents in {@code docs/api}, for tests that hold Flux to it. Thread-safe. */
public final class ApiDocument {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final JsonNode root;
    private final SpecVersion.VersionFlag dialect;
    private final JsonSchemaFactory schemas;
    private final Map<JsonNode, JsonSchema> compiled = new ConcurrentHashMap<>();

    private ApiDocument(String name, SpecVersion.VersionFlag dialect) {
        this.dialect = dialect;
        JsonMetaSchema standard =
                dialect == SpecVersion.VersionFlag.V7 ? JsonMetaSchema.getV7() : JsonMetaSchema.getV202012();
        // A keyword that is misspelt must not pass as one that is not known.
        JsonMetaSchema strict = JsonMetaSchema.builder(standard)
                .unknownKeywordFactory(DisallowUnknownKeywordFactory.getInstance())
                .keyword(new NonValidationKeyword("components"))
                .keyword(ValidatorTypeCode.DISCRIMINATOR)
                .build();
        this.schemas = JsonSchemaFactory.getInstance(dialect, factory -> factory.metaSchema(strict));
        try {
            this.root = JSON.readTree(file(name).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path file(String name) {
        return Path.of("docs", "api", name);
    }

    /** What is said over HTTP. */
    public static ApiDocument openApi() {
        return new ApiDocument("openapi.json", SpecVersion.VersionFlag.V202012);
    }

    /** What is said over the WebSocket. */
    public static ApiDocument asyncApi() {
        return new ApiDocument("asyncapi.json", SpecVersion.VersionFlag.V7);
    }

    /** The whole document. */
    public JsonNode root() {
        return root;
    }

    /** How its schemas are to be read. */
    SpecVersion.VersionFlag dialect() {
        return dialect;
    }

    /** What stands there, or what a reference that stands there leads to. */
    public JsonNode follow(JsonNode node) {
        return node.has("$ref") ? root.at(node.get("$ref").asText().substring(1)) : node;
    }

    /** A reference to one of its schemas. */
    public static JsonNode named(String schema) {
        return JSON.createObjectNode().put("$ref", "#/components/schemas/" + schema);
    }

    /** What a value has that a schema of this document does not allow. */
    public List<String> problems(JsonNode schema, JsonNode value) {
        return compile(schema).validate(value).stream().map(Object::toString).toList();
    }

    /** A schema of this document, with all that it refers to. */
    JsonSchema compile(JsonNode schema) {
        return compiled.computeIfAbsent(schema, key -> {
            ObjectNode document = JSON.createObjectNode();
            document.putArray("allOf").add(key);
            document.set("components", root.get("components"));
            JsonSchema fresh = schemas.getSchema(document);
            fresh.initializeValidators();
            return fresh;
        });
    }
}
