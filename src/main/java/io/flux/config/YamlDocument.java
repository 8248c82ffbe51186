package io.flux.config;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BigIntegerNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.StringReader;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * A YAML text as JSON that still knows the line of each value. Yes, no, on and off stay the words that they are: to YAML
 * 1.1 they are booleans, which no key here takes. Immutable once parsed.
 */
public final class YamlDocument {
    private static final Set<Tag> NO_TEXT = Set.of(Tag.INT, Tag.FLOAT, Tag.NULL);

    private final Problems problems;
    private final Map<JsonPointer, Integer> lines = new HashMap<>();
    private final Map<JsonPointer, String> written = new HashMap<>();
    private final Scalars scalars = new Scalars();
    private JsonNode root = MissingNode.getInstance();

    private YamlDocument(Problems problems) {
        this.problems = problems;
    }

    /**
     * Reads a text. What is no YAML, keys that are there twice and whatever JSON cannot say goes to the problems.
     */
    public static YamlDocument parse(String text, Problems problems) {
        YamlDocument document = new YamlDocument(problems);
        try {
            Node node = new Yaml().compose(new StringReader(text));
            // A lone --- is a document that holds nothing.
            if (node != null && !node.getTag().equals(Tag.NULL)) {
                document.root = document.value(node, JsonPointer.empty(), line(node));
            }
        } catch (MarkedYAMLException e) {
            String context = e.getContext() == null ? "" : " " + e.getContext();
            problems.add(e.getProblemMark().getLine() + 1, "not valid YAML" + context + ": " + e.getProblem());
        } catch (ReaderException e) {
            long line = text.substring(0, text.offsetByCodePoints(0, e.getPosition()))
                    .lines()
                    .count();
            problems.add((int) Math.max(1, line), "not valid YAML: a control character, code " + e.getCodePoint());
        } catch (YAMLException e) {
            problems.add(1, "not valid YAML: " + e.getMessage());
        }
        return document;
    }

    /** Its content; missing when it has none or is no YAML. */
    public JsonNode root() {
        return root;
    }

    /** The line of a value, counted from 1: its key's, or its own in a list. Where there is none, the one it is missing in. */
    public int line(JsonPointer at) {
        for (JsonPointer place = at; place != null; place = place.head()) {
            Integer line = lines.get(place);
            if (line != null) {
                return line;
            }
        }
        return 1;
    }

    /** A single value as it stands in the text, without quotes; null for a list, a mapping and what is not there. */
    public String written(JsonPointer at) {
        return written.get(at);
    }

    /** How people write the place of a value: {@code models[0].slots}. */
    public static String name(JsonPointer at) {
        StringBuilder name = new StringBuilder();
        for (JsonPointer part = at; !part.matches(); part = part.tail()) {
            if (part.getMatchingIndex() >= 0) {
                name.append('[').append(part.getMatchingIndex()).append(']');
            } else {
                name.append(name.isEmpty() ? "" : ".").append(part.getMatchingProperty());
            }
        }
        return name.isEmpty() ? "the file" : name.toString();
    }

    private JsonNode value(Node node, JsonPointer at, int line) {
        lines.put(at, line);
        if (!node.getTag().getValue().startsWith(Tag.PREFIX)) {
            problems.add(line, name(at) + " has the tag " + node.getTag() + ", which means nothing here");
        }
        if (node.isTwoStepsConstruction()) {
            problems.add(line, name(at) + " must not contain itself");
            return node instanceof MappingNode
                    ? JsonNodeFactory.instance.objectNode()
                    : JsonNodeFactory.instance.arrayNode();
        }
        if (node instanceof MappingNode mapping) {
            return object(mapping, at);
        }
        return node instanceof SequenceNode sequence ? array(sequence, at) : scalar((ScalarNode) node, at);
    }

    private ObjectNode object(MappingNode mapping, JsonPointer at) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        for (NodeTuple entry : mapping.getValue()) {
            int line = line(entry.getKeyNode());
            if (!(entry.getKeyNode() instanceof ScalarNode key)) {
                problems.add(line, name(at) + " must not have a list or a mapping as a key");
                continue;
            }
            JsonPointer place = at.appendProperty(key.getValue());
            if (object.has(key.getValue())) {
                problems.add(line, name(place) + " is there twice, first on line " + line(place));
                continue;
            }
            object.set(key.getValue(), value(entry.getValueNode(), place, line));
        }
        return object;
    }

    private ArrayNode array(SequenceNode sequence, JsonPointer at) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (Node item : sequence.getValue()) {
            array.add(value(item, at.appendIndex(array.size()), line(item)));
        }
        return array;
    }

    private JsonNode scalar(ScalarNode node, JsonPointer at) {
        written.put(at, node.getValue());
        Object value = NO_TEXT.contains(node.getTag()) ? scalars.read(node) : node.getValue();
        if (value == null) {
            return NullNode.getInstance();
        } else if (value instanceof Integer number) {
            return IntNode.valueOf(number);
        } else if (value instanceof Long number) {
            return LongNode.valueOf(number);
        } else if (value instanceof BigInteger number) {
            return BigIntegerNode.valueOf(number);
        } else if (value instanceof Double number && Double.isFinite(number)) {
            return DoubleNode.valueOf(number);
        }
        return TextNode.valueOf(node.getValue());
    }

    private static int line(Node node) {
        return node.getStartMark().getLine() + 1;
    }

    /** SnakeYAML's reading of numbers, which it keeps to itself. */
    private static final class Scalars extends SafeConstructor {
        Scalars() {
            super(new LoaderOptions());
        }

        /** A number, or null for a value that is left empty; the text where a tag claims a number that it is not. */
        Object read(ScalarNode node) {
            try {
                return constructObject(node);
            } catch (NumberFormatException e) {
                return node.getValue();
            }
        }
    }
}
