package io.flux;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import io.flux.config.Problems;
import io.flux.config.YamlDocument;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.model.FromDefinition;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.RouteTemplateDefinition;
import org.apache.camel.model.RouteTemplateParameterDefinition;
import org.apache.camel.model.RoutesDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.DefaultExchange;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.springframework.beans.factory.BeanFactory;

/**
 * Whether a route file, or a kamelet, can take the place of the one that runs: that it is YAML, holds routes that Camel
 * takes, and that the beans and components are there that its steps name. The routes are made for that and thrown away;
 * none is started, and what runs is not touched.
 */
final class RouteFileCheck {
    private static final String KAMELET = ".kamelet.yaml";
    /** Where Camel's YAML reader says the line, behind the rule. */
    private static final Pattern LINE = Pattern.compile("(?:\\bline:? |:)(\\d+)\\b");

    private static final int MAX_RULE = 300;

    private final CamelContext camel;
    private final BeanFactory beans;

    RouteFileCheck(CamelContext camel, BeanFactory beans) {
        this.camel = camel;
        this.beans = beans;
    }

    /** A file that cannot be used; the message is one line: where and what. */
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;

        Wrong(int line, String rule) {
            super("line " + line + ": " + rule);
        }

        private Wrong(String sentence) {
            super(sentence);
        }
    }

    /**
     * What a file holds.
     *
     * @param routes ids of its routes, for which conditions that keep some of them out were asked
     * @param templates ids of its route templates
     */
    record Content(List<String> routes, List<String> templates) {}

    /** A text as the file that Camel reads it from. */
    static Resource resource(Path file, String text) {
        return ResourceHelper.fromString("file:" + file, text);
    }

    /**
     * Checks a file.
     *
     * @throws Wrong when it cannot be used
     */
    Content check(Path file, String text) throws Wrong {
        Problems problems = new Problems("");
        YamlDocument document = YamlDocument.parse(text, problems);
        try {
            problems.refuseAny();
        } catch (IllegalArgumentException e) {
            throw new Wrong(firstLine(e.getMessage()).strip());
        }
        boolean kamelet = file.toString().endsWith(KAMELET);
        if (document.root().isMissingNode()) {
            throw new Wrong(1, kamelet ? "the file holds no kamelet" : "the file holds no routes");
        }
        if (kamelet) {
            checkKamelet(file, document);
        } else {
            checkList(document);
        }
        checkBeans(document, document.root(), JsonPointer.empty());
        return checkByCamel(file, text);
    }

    private static void checkList(YamlDocument document) throws Wrong {
        JsonNode root = document.root();
        if (!root.isArray()) {
            throw new Wrong(1, "the file must be a list, with a - before each route");
        }
        if (root.isEmpty()) {
            throw new Wrong(1, "the file holds no routes");
        }
        for (int i = 0; i < root.size(); i++) {
            JsonPointer at = JsonPointer.empty().appendIndex(i);
            JsonNode item = root.get(i);
            if (!item.isObject() || item.size() != 1) {
                throw new Wrong(document.line(at), "must be one of route, from, routeTemplate, routeConfiguration, …");
            }
            String kind = item.fieldNames().next();
            if (!item.get(kind).isContainerNode() || item.get(kind).isEmpty()) {
                throw new Wrong(document.line(at), kind + " holds nothing");
            }
        }
    }

    private static void checkKamelet(Path file, YamlDocument document) throws Wrong {
        JsonPointer name = JsonPointer.compile("/metadata/name");
        String expected = file.getFileName().toString().replace(KAMELET, "");
        if (!document.root().at(name).asText().equals(expected)) {
            throw new Wrong(document.line(name), "metadata.name must be " + expected + ", as the file is called");
        }
        JsonPointer from = JsonPointer.compile("/spec/template/from");
        if (!document.root().at(from).isObject()) {
            throw new Wrong(document.line(from), "spec.template must have a from");
        }
    }

    private void checkBeans(YamlDocument document, JsonNode node, JsonPointer at) throws Wrong {
        for (String step : List.of("bean", "method")) {
            JsonNode call = node.path(step);
            if (call.path("ref").isTextual() && !call.path("ref").asText().contains("{{")) {
                checkBean(document, call, at.appendProperty(step));
            }
        }
        if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                checkBeans(document, node.get(i), at.appendIndex(i));
            }
        }
        for (Map.Entry<String, JsonNode> member : node.properties()) {
            checkBeans(document, member.getValue(), at.appendProperty(member.getKey()));
        }
    }

    private void checkBean(YamlDocument document, JsonNode call, JsonPointer at) throws Wrong {
        String name = call.path("ref").asText().replaceFirst("^#(bean:)?", "");
        Class<?> type = beans.containsBean(name) ? beans.getType(name) : null;
        if (type == null) {
            Object bound = camel.getRegistry().lookupByName(name);
            if (bound == null) {
                throw new Wrong(document.line(at.appendProperty("ref")), "there is no bean " + name);
            }
            type = bound.getClass();
        }
        String method = call.path("method").asText().replaceFirst("\\(.*", "").strip();
        if (method.matches("[A-Za-z_]\\w*")
                && Arrays.stream(type.getMethods()).map(Method::getName).noneMatch(method::equals)) {
            throw new Wrong(
                    document.line(at.appendProperty("method")), "the bean " + name + " has no method " + method);
        }
    }

    private Content checkByCamel(Path file, String text) throws Wrong {
        List<String> routes = new ArrayList<>();
        List<String> templates = new ArrayList<>();
        Collection<Endpoint> before = List.copyOf(camel.getEndpoints());
        try {
            for (RouteBuilder builder : read(file, text)) {
                for (RouteDefinition route : builder.getRouteCollection().getRoutes()) {
                    if (make(builder.getRouteCollection(), route)) {
                        routes.add(route.getRouteId());
                    }
                }
                for (RouteTemplateDefinition template :
                        builder.getRouteTemplateCollection().getRouteTemplates()) {
                    templates.add(template.getId());
                }
            }
            if (!templates.isEmpty()) {
                checkTemplates(file, text);
            }
            return new Content(routes, templates);
        } catch (Exception | LinkageError e) {
            throw new Wrong(sentence(e, text));
        } finally {
            // Those that only the trial asked for.
            for (Endpoint endpoint : List.copyOf(camel.getEndpoints())) {
                if (!before.contains(endpoint)) {
                    forget(endpoint);
                }
            }
        }
    }

    private void forget(Endpoint endpoint) {
        try {
            camel.removeEndpoint(endpoint);
        } catch (Exception e) {
            // It stays, unused.
            endpoint.stop();
        }
    }

    /**
     * With a value in each place that a route made of the template would fill, and without its beginning, which a kamelet
     * gets from what calls it.
     */
    private void checkTemplates(Path file, String text) throws Exception {
        String filled = text;
        for (RouteBuilder builder : read(file, text)) {
            for (RouteTemplateDefinition template :
                    builder.getRouteTemplateCollection().getRouteTemplates()) {
                for (RouteTemplateParameterDefinition parameter : template.getTemplateParameters()) {
                    String value = parameter.getDefaultValue() == null ? "1" : parameter.getDefaultValue();
                    filled = filled.replaceAll(
                            "\\{\\{\\??" + Pattern.quote(parameter.getName()) + "}}", Matcher.quoteReplacement(value));
                }
            }
        }
        for (RouteBuilder builder : read(file, filled)) {
            for (RouteTemplateDefinition template :
                    builder.getRouteTemplateCollection().getRouteTemplates()) {
                RouteDefinition route = template.asRouteDefinition();
                route.setId(template.getId() + "-trial");
                route.setInput(null);
                route.setInput(new FromDefinition("direct:" + template.getId() + "-trial"));
                make(builder.getRouteCollection(), route);
            }
        }
    }

    private List<RouteBuilder> read(Path file, String text) throws Exception {
        List<RouteBuilder> builders = new ArrayList<>();
        for (RoutesBuilder found : PluginHelper.getRoutesLoader(camel).findRoutesBuilders(resource(file, text))) {
            if (found instanceof RouteBuilder builder) {
                builder.configureRoutes(camel);
                builders.add(builder);
            }
        }
        return builders;
    }

    /** Makes a route of its definition, as the start does; false when its own condition keeps it out. */
    private boolean make(RoutesDefinition all, RouteDefinition route) {
        if (route.getPrecondition() != null
                && !camel.resolveLanguage("simple")
                        .createPredicate(route.getPrecondition())
                        .matches(new DefaultExchange(camel))) {
            return false;
        }
        all.prepareRoute(route);
        var unused = camel.getCamelContextExtension()
                .getContextPlugin(Model.class)
                .getModelReifierFactory()
                .createRoute(camel, route);
        return true;
    }

    /**
     * What is wrong, in one line: the innermost cause that says something, and where.
     *
     * @param text the file's, to find the line in
     */
    static String sentence(Throwable problem, String text) {
        Throwable cause = problem;
        String rule = "";
        for (; cause != null; cause = cause.getCause() == cause ? null : cause.getCause()) {
            if (cause.getMessage() != null && !cause.getMessage().isBlank()) {
                rule = cause.getMessage();
            }
        }
        if (rule.isEmpty()) {
            rule = "it is no route that Camel takes (" + problem.getClass().getSimpleName() + ")";
        }
        // Camel's sentences name causes by their classes.
        String line = firstLine(rule).replaceAll("\\b[a-z]+(\\.[a-z0-9]+)+\\.[A-Z]\\w*(Exception|Error): ", "");
        line = line.replaceFirst("\\.$", "");
        Matcher said = LINE.matcher(rule);
        int number = said.find() ? Integer.parseInt(said.group(1)) : mentioned(line, text);
        return (number == 0 || line.startsWith("line ") ? "" : "line " + number + ": ") + line;
    }

    /** The line of the text that has the longest word of a message which the text has too; 0 for none. */
    private static int mentioned(String message, String text) {
        String best = "";
        for (String word : message.split("[\\s,;()\\[\\]\"']+")) {
            String name = word.replaceFirst("[?].*|[:.]*$", "").replace("://", ":");
            if (name.length() > Math.max(3, best.length()) && text.contains(name)) {
                best = name;
            }
        }
        return best.isEmpty()
                ? 0
                : (int) text.substring(0, text.indexOf(best)).lines().count() + (startsLine(text, best) ? 1 : 0);
    }

    private static boolean startsLine(String text, String part) {
        int at = text.indexOf(part);
        return at == 0 || text.charAt(at - 1) == '\n';
    }

    private static String firstLine(String text) {
        String line = text.strip().lines().findFirst().orElse("").strip();
        return line.length() > MAX_RULE ? line.substring(0, MAX_RULE) + "…" : line;
    }
}
