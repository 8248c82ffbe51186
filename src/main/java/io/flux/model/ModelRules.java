package io.flux.model;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import io.flux.config.Problems;
import io.flux.config.YamlDocument;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The rules that a schema cannot say, as they compare values with each other. */
final class ModelRules {
    private final YamlDocument document;
    private final Problems problems;

    /** Who has a name, by the name. */
    private final Map<String, JsonPointer> names = new HashMap<>();

    /**
     * @param document that may break the schema's rules; values that do are left alone
     * @param problems gets what breaks a rule
     */
    ModelRules(YamlDocument document, Problems problems) {
        this.document = document;
        this.problems = problems;
    }

    /** @param engines whether there is an engine of that name */
    void check(Predicate<String> engines) {
        int index = 0;
        for (JsonNode model : document.root().path("models")) {
            JsonPointer at = JsonPointer.compile("/models").appendIndex(index++);
            own(model.path("name"), at.appendProperty("name"));
            int alias = 0;
            for (JsonNode name : model.path("aliases")) {
                own(name, at.appendProperty("aliases").appendIndex(alias++));
            }
            JsonNode engine = model.path("engine");
            // A name that breaks the schema's rule is told so already.
            if (engine.asText().matches("[a-z][a-z0-9-]*") && !engines.test(engine.asText())) {
                add(
                        at.appendProperty("engine"),
                        "names " + engine.asText() + ", but the routes have no engines/" + engine.asText()
                                + ".kamelet.yaml");
            }
            checkUrl(model.path("url"), at.appendProperty("url"));
            checkBounds(model, at);
        }
    }

    private void own(JsonNode name, JsonPointer at) {
        if (!name.isTextual()) {
            return;
        }
        JsonPointer owner = names.putIfAbsent(name.asText(), at);
        if (owner != null) {
            add(
                    at,
                    "'" + name.asText() + "' is taken: it is " + YamlDocument.name(owner) + ", line "
                            + document.line(owner));
        }
    }

    private void checkUrl(JsonNode url, JsonPointer at) {
        try {
            new URI(url.asText());
        } catch (URISyntaxException e) {
            add(at, "is no URL: " + e.getReason() + " at character " + (e.getIndex() + 1));
        }
    }

    private void checkBounds(JsonNode model, JsonPointer at) {
        for (String name : Parameters.NAMES) {
            JsonNode bounds = model.path("bounds").path(name);
            JsonNode min = bounds.path(0);
            JsonNode max = bounds.path(1);
            if (!min.isNumber() || !max.isNumber()) {
                continue;
            }
            if (min.asDouble() > max.asDouble()) {
                add(
                        at.appendProperty("bounds").appendProperty(name),
                        "must be [smallest, largest], but " + min.asText() + " is more than " + max.asText());
                continue;
            }
            JsonNode value = model.path("defaults").path(name);
            if (value.isNumber() && !new Parameters.Range(min.asDouble(), max.asDouble()).contains(value.asDouble())) {
                add(
                        at.appendProperty("defaults").appendProperty(name),
                        "must be within the model's bounds, " + min.asText() + " to " + max.asText() + ", not "
                                + value.asText());
            }
        }
    }

    private void add(JsonPointer at, String rule) {
        problems.add(document.line(at), YamlDocument.name(at) + " " + rule);
    }
}
