package io.flux.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.Yaml;

/** What is in {@code k8s/observability}: alert rules, and a dashboard with its panels. */
final class Observability {
    static final Path FOLDER = Path.of("k8s/observability");

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern STRING = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"");
    private static final Pattern SELECTOR = Pattern.compile("\\{([^}]*)}");
    private static final Pattern RANGE = Pattern.compile("\\[[^]]*]");
    private static final Pattern LABELS = Pattern.compile("\\b(?:by|without|on|ignoring)\\s*\\(([^)]*)\\)");
    private static final Pattern NAME =
            Pattern.compile("(?<![A-Za-z0-9_:.])[A-Za-z_:][A-Za-z0-9_:]*(?!\\s*\\(|[A-Za-z0-9_:])");
    private static final Pattern LABEL = Pattern.compile("(\\w+)\\s*(?:=~|!~|!=|=)");
    private static final Set<String> WORDS = Set.of("and", "or", "unless", "bool", "offset");

    private Observability() {}

    /** An expression in Prometheus' language: the series and the labels that it names. */
    record Expression(String text, Set<String> series, Set<String> labels) {}

    /** The rules: maps with alert, expr, for, labels and annotations. */
    @SuppressWarnings("unchecked")
    static List<Map<String, Object>> rules() throws IOException {
        Map<String, Object> file = new Yaml().load(Files.readString(FOLDER.resolve("alerts.yaml")));
        Map<String, Object> spec = (Map<String, Object>) file.get("spec");
        List<Map<String, Object>> rules = new ArrayList<>();
        for (Map<String, Object> group : (List<Map<String, Object>>) spec.get("groups")) {
            rules.addAll((List<Map<String, Object>>) group.get("rules"));
        }
        return rules;
    }

    /** Writes the rules as Prometheus itself reads them. */
    static void writeRules(Path file) throws IOException {
        Map<String, Object> resource = new Yaml().load(Files.readString(FOLDER.resolve("alerts.yaml")));
        Files.writeString(file, new Yaml().dump(resource.get("spec")));
    }

    /** The dashboard. */
    static JsonNode dashboard() throws IOException {
        return JSON.readTree(FOLDER.resolve("dashboards").resolve("flux.json").toFile());
    }

    /** Its panels that show something. */
    static List<JsonNode> panels() throws IOException {
        List<JsonNode> panels = new ArrayList<>();
        for (JsonNode panel : dashboard().get("panels")) {
            if (!panel.get("type").asText().equals("row")) {
                panels.add(panel);
            }
        }
        return panels;
    }

    /** All expressions of rules and panels. */
    static List<Expression> expressions() throws IOException {
        List<Expression> expressions = new ArrayList<>();
        rules().forEach(rule -> expressions.add(expression(rule.get("expr").toString())));
        for (JsonNode panel : panels()) {
            panel.get("targets")
                    .forEach(target ->
                            expressions.add(expression(target.get("expr").asText())));
        }
        return expressions;
    }

    static Expression expression(String text) {
        Set<String> labels = new TreeSet<>();
        String rest = STRING.matcher(text).replaceAll("");
        Matcher selector = SELECTOR.matcher(rest);
        while (selector.find()) {
            Matcher label = LABEL.matcher(selector.group(1));
            while (label.find()) {
                labels.add(label.group(1));
            }
        }
        rest = RANGE.matcher(SELECTOR.matcher(rest).replaceAll("")).replaceAll("");
        Matcher lists = LABELS.matcher(rest);
        while (lists.find()) {
            labels.addAll(List.of(lists.group(1).strip().split("\\s*,\\s*")));
        }
        rest = LABELS.matcher(rest).replaceAll("");
        Set<String> series = new TreeSet<>();
        Matcher name = NAME.matcher(rest);
        while (name.find()) {
            if (!WORDS.contains(name.group())) {
                series.add(name.group());
            }
        }
        return new Expression(text, series, labels);
    }
}
