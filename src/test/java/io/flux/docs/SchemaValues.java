package io.flux.docs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Values that a schema of a document allows, and values that it does not, made from a seed. For one thread. */
public final class SchemaValues {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final int TRIES = 2_000;
    private static final int DEPTH = 6;
    private static final List<String> TEXTS = List.of(
            "x",
            "default",
            "Write me a poem about salt",
            "Müde 🌙 \u0000\u2028",
            "\n",
            "",
            " ",
            "a b",
            "null",
            ".",
            "..",
            "https://client.example/answers?x=1",
            "ftp://client.example/",
            "https://me:secret@client.example/",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "vendor=value",
            "root ::= \"a\"",
            "x".repeat(129),
            "x".repeat(257),
            "x".repeat(33_000));
    private static final List<String> NUMBERS = List.of(
            "0",
            "1",
            "-1",
            "2",
            "3",
            "0.5",
            "1.5",
            "2.5",
            "-0.5",
            "100",
            "4096",
            "4097",
            "100000",
            "100001",
            "4294967295",
            "4294967296",
            "86400000",
            "86400001",
            "9223372036854775807",
            "9223372036854775808",
            "1e300");

    private final ApiDocument document;
    private final Random random;

    public SchemaValues(ApiDocument document, Random random) {
        this.document = document;
        this.random = random;
    }

    /** A value that the schema allows. */
    public JsonNode valid(JsonNode schema) {
        for (int i = 0; i < TRIES; i++) {
            JsonNode value = candidate(schema, DEPTH);
            if (document.problems(schema, value).isEmpty()) {
                return value;
            }
        }
        throw new IllegalStateException("no value was found for " + schema);
    }

    /** A value that the schema does not allow. */
    public JsonNode broken(JsonNode schema) {
        for (int i = 0; i < TRIES; i++) {
            JsonNode value = anything(2);
            if (!document.problems(schema, value).isEmpty()) {
                return value;
            }
        }
        throw new IllegalStateException("no value is wrong for " + schema);
    }

    private JsonNode candidate(JsonNode schema, int depth) {
        if (schema.has("$ref")) {
            return candidate(document.follow(schema), depth);
        }
        if (schema.has("const")) {
            return schema.get("const");
        }
        if (schema.has("enum")) {
            return any(schema.get("enum"));
        }
        if (schema.has("allOf") && !schema.has("properties")) {
            ObjectNode all = JSON.objectNode();
            for (JsonNode part : schema.get("allOf")) {
                if (candidate(part, depth) instanceof ObjectNode object) {
                    all.setAll(object);
                }
            }
            return all;
        }
        if (schema.has("anyOf") && !schema.has("properties")) {
            return candidate(any(schema.get("anyOf")), depth);
        }
        return switch (type(schema.path("type"))) {
            case "null" -> JSON.nullNode();
            case "boolean" -> JSON.booleanNode(random.nextBoolean());
            case "integer", "number" -> number();
            case "array" -> array(schema, depth);
            case "object" -> object(schema, depth);
            default -> JSON.textNode(text());
        };
    }

    /** Of several types seldom null. */
    private String type(JsonNode type) {
        if (!type.isArray()) {
            return type.asText();
        }
        String chosen = any(type).asText();
        return chosen.equals("null") && random.nextInt(3) > 0 ? type(type) : chosen;
    }

    private JsonNode array(JsonNode schema, int depth) {
        ArrayNode array = JSON.arrayNode();
        int size = depth == 0 ? 0 : schema.path("minItems").asInt() + random.nextInt(3);
        for (int i = 0; i < size; i++) {
            array.add(schema.has("items") ? candidate(schema.get("items"), depth - 1) : anything(1));
        }
        return array;
    }

    private JsonNode object(JsonNode schema, int depth) {
        ObjectNode object = JSON.objectNode();
        List<String> required = new ArrayList<>();
        schema.path("required").forEach(name -> required.add(name.asText()));
        Iterator<Map.Entry<String, JsonNode>> properties =
                schema.path("properties").fields();
        while (depth > 0 && properties.hasNext()) {
            Map.Entry<String, JsonNode> property = properties.next();
            if (required.contains(property.getKey()) || random.nextInt(5) == 0) {
                object.set(property.getKey(), valid(property.getValue(), depth - 1));
            }
        }
        if (random.nextInt(4) == 0) {
            object.set("x-" + random.nextInt(9), anything(1));
        }
        return object;
    }

    /** So that one property is not wrong most of the time. */
    private JsonNode valid(JsonNode schema, int depth) {
        JsonNode value = candidate(schema, depth);
        for (int i = 0; i < TRIES && !document.problems(schema, value).isEmpty(); i++) {
            value = candidate(schema, depth);
        }
        return value;
    }

    private JsonNode anything(int depth) {
        return switch (random.nextInt(depth == 0 ? 4 : 6)) {
            case 0 -> JSON.nullNode();
            case 1 -> JSON.booleanNode(random.nextBoolean());
            case 2 -> number();
            case 3 -> JSON.textNode(text());
            case 4 -> {
                ArrayNode array = JSON.arrayNode();
                for (int i = random.nextInt(3); i > 0; i--) {
                    array.add(anything(depth - 1));
                }
                yield array;
            }
            default -> {
                ObjectNode object = JSON.objectNode();
                for (int i = random.nextInt(3); i > 0; i--) {
                    object.set(List.of("type", "role", "content", "x").get(random.nextInt(4)), anything(depth - 1));
                }
                yield object;
            }
        };
    }

    private JsonNode number() {
        String number = NUMBERS.get(random.nextInt(NUMBERS.size()));
        return number.matches("-?\\d{1,18}")
                ? JSON.numberNode(Long.parseLong(number))
                : JSON.numberNode(new BigDecimal(number));
    }

    private String text() {
        if (random.nextInt(3) > 0) {
            return TEXTS.get(random.nextInt(TEXTS.size()));
        }
        StringBuilder id = new StringBuilder();
        for (int i = 1 + random.nextInt(20); i > 0; i--) {
            id.append("abcXYZ019._:-".charAt(random.nextInt(13)));
        }
        return id.toString();
    }

    private JsonNode any(JsonNode list) {
        return list.get(random.nextInt(list.size()));
    }
}
