package io.flux.routes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.annotation.Bean;

/** What every route file must keep to, checked without starting anything. */
class RouteFilesTest {
    private static final Path ROUTES = Path.of("routes");
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final ObjectMapper JSON = new ObjectMapper();
    private static JsonSchema schema;

    @BeforeAll
    static void readSchema() throws IOException {
        try (InputStream dsl = RouteFilesTest.class.getResourceAsStream("/schema/camelYamlDsl.json")) {
            schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4).getSchema(dsl);
        }
    }

    static Stream<Path> routeFiles() throws IOException {
        return files(".camel.yaml");
    }

    static Stream<Path> kamelets() throws IOException {
        return files(".kamelet.yaml");
    }

    private static Stream<Path> files(String ending) throws IOException {
        try (Stream<Path> files = Files.walk(ROUTES)) {
            return files.filter(file -> file.toString().endsWith(ending)).sorted().toList().stream();
        }
    }

    @Test
    void everyFileIsARouteFileOrAKamelet() throws IOException {
        assertThat(routeFiles()).isNotEmpty();
        assertThat(kamelets()).isNotEmpty();
        try (Stream<Path> files = Files.walk(ROUTES)) {
            assertThat(files.filter(Files::isRegularFile)
                            .filter(file -> !file.equals(ROUTES.resolve("kustomization.yaml"))))
                    .allMatch(file -> file.toString().matches(".*\\.(camel|kamelet)\\.yaml"));
        }
    }

    @ParameterizedTest
    @MethodSource("routeFiles")
    void aRouteFileIsValidYamlDsl(Path file) throws IOException {
        assertThat(problems(YAML.readTree(file.toFile()))).isEmpty();
    }

    /** A misspelt step must not pass because the schema is not the one that we think. */
    @Test
    void theSchemaRefusesWhatIsNotInTheDsl() throws IOException {
        assertThat(problems(YAML.readTree("- route: {from: {uri: 'direct:a', steps: [{toe: 'direct:b'}]}}")))
                .isNotEmpty();
        assertThat(problems(YAML.readTree("- route: {from: {uri: 'direct:a', steps: [{to: 'direct:b'}]}}")))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("kamelets")
    void aKameletsTemplateIsValidYamlDsl(Path file) throws IOException {
        JsonNode kamelet = YAML.readTree(file.toFile());
        ObjectNode template = JSON.createObjectNode();
        template.put("id", kamelet.at("/metadata/name").asText());
        template.setAll((ObjectNode) kamelet.at("/spec/template"));
        ObjectNode item = JSON.createObjectNode();
        item.set("routeTemplate", template);
        assertThat(problems(JSON.createArrayNode().add(item))).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("kamelets")
    void aKameletIsAContract(Path file) throws IOException {
        JsonNode kamelet = YAML.readTree(file.toFile());
        assertThat(kamelet.path("apiVersion").asText()).isEqualTo("camel.apache.org/v1");
        assertThat(kamelet.path("kind").asText()).isEqualTo("Kamelet");
        assertThat(kamelet.at("/metadata/name").asText() + ".kamelet.yaml")
                .isEqualTo(file.getFileName().toString());
        assertThat(kamelet.at("/metadata/labels/camel.apache.org~1kamelet.type").asText())
                .isIn("source", "sink", "action");
        JsonNode definition = kamelet.at("/spec/definition");
        assertThat(definition.path("title").asText()).isNotBlank();
        assertThat(definition.path("description").asText()).isNotBlank();
        definition.path("properties").fields().forEachRemaining(property -> {
            assertThat(property.getValue().path("title").asText())
                    .as("title of %s", property.getKey())
                    .isNotBlank();
            assertThat(property.getValue().path("description").asText())
                    .as("description of %s", property.getKey())
                    .isNotBlank();
            assertThat(property.getValue().path("type").asText())
                    .as("type of %s", property.getKey())
                    .isNotBlank();
        });
    }

    @ParameterizedTest
    @MethodSource("routeFiles")
    void everyRouteIsNamedByItsBundleAndAVerbAndSaysWhatItIsFor(Path file) throws IOException {
        String bundle = file.getParent().getFileName().toString();
        for (JsonNode item : YAML.readTree(file.toFile())) {
            for (String kind : List.of("route", "routeTemplate")) {
                JsonNode route = item.path(kind);
                if (route.isMissingNode()) {
                    continue;
                }
                assertThat(route.path("id").asText()).as(file.toString()).matches(bundle + "(-[a-z]+)+");
                assertThat(route.path("description").asText())
                        .as("the description of %s", route.path("id"))
                        .isNotBlank();
            }
            for (JsonNode configuration : item.findValues("routeConfiguration")) {
                assertThat(configuration.path("id").asText()).matches("[a-z]+-errors");
                assertThat(configuration.path("description").asText()).isNotBlank();
            }
        }
    }

    /** Of {@code rest:} and {@code platform-http:}, query parameters and headers of a request come back as headers. */
    @ParameterizedTest
    @MethodSource("routeFiles")
    void httpBeginsAtHttpDoorOnlyWhichHasAnAllowList(Path file) throws IOException {
        JsonNode items = YAML.readTree(file.toFile());
        assertThat(items.findValues("rest")).isEmpty();
        for (JsonNode from : items.findValues("from")) {
            assertThat(from.path("uri").asText())
                    .doesNotMatch("(platform-http|rest|jetty|netty-http|servlet|undertow):.*");
        }
    }

    /** Such a path is served with the slash at its end and not without, where clients look. */
    @Test
    void noPathOfHttpEndsWithASlash() throws IOException {
        List<String> paths = new ArrayList<>();
        for (Path file : routeFiles().toList()) {
            for (JsonNode from : YAML.readTree(file.toFile()).findValues("from")) {
                String uri = from.path("uri").asText();
                if (uri.startsWith("http-door:")) {
                    paths.add(uri.split(":", 3)[2]);
                }
            }
        }
        assertThat(paths).hasSizeGreaterThan(20).allMatch(path -> path.matches("(/[^/]+)+"));
    }

    @Test
    void noIdIsUsedTwice() throws IOException {
        List<String> ids = new ArrayList<>();
        for (Path file : routeFiles().toList()) {
            collect(YAML.readTree(file.toFile()), "id", ids);
        }
        assertThat(ids).isNotEmpty().doesNotHaveDuplicates();
    }

    @Test
    void everyConfigurationThatARouteNamesExists() throws IOException {
        List<String> named = new ArrayList<>();
        Set<String> existing = new TreeSet<>();
        for (Path file : routeFiles().toList()) {
            JsonNode items = YAML.readTree(file.toFile());
            collect(items, "routeConfigurationId", named);
            for (JsonNode configuration : items.findValues("routeConfiguration")) {
                existing.add(configuration.path("id").asText());
            }
        }
        assertThat(named.stream().flatMap(ids -> Stream.of(ids.split(","))))
                .isNotEmpty()
                .allMatch(existing::contains);
    }

    @Test
    void everyDirectEndpointThatIsCalledIsThere() throws IOException {
        Set<String> consumed = new TreeSet<>();
        Set<String> called = new TreeSet<>();
        for (Path file : routeFiles().toList()) {
            JsonNode items = YAML.readTree(file.toFile());
            for (JsonNode from : items.findValues("from")) {
                consumed.add(from.path("uri").asText());
            }
            List<String> targets = new ArrayList<>();
            collect(items, "to", targets);
            collect(items, "uri", targets);
            targets.stream()
                    .filter(target -> target.startsWith("direct:") && !target.contains("${"))
                    .forEach(called::add);
        }
        assertThat(called).isNotEmpty().allMatch(consumed::contains);
    }

    @Test
    void everyBeanThatARouteCallsExistsAndHasTheMethod() throws Exception {
        Set<String> known = beans();
        for (Path file : Stream.concat(routeFiles(), kamelets()).toList()) {
            List<String> refs = new ArrayList<>();
            collect(YAML.readTree(file.toFile()), "ref", refs);
            assertThat(refs.stream().filter(ref -> !ref.startsWith("{{")))
                    .as(file.toString())
                    .allMatch(known::contains);
        }
    }

    @ParameterizedTest
    @MethodSource("kamelets")
    void everyBeanThatAKameletNamesByDefaultExists(Path file) throws Exception {
        JsonNode program = YAML.readTree(file.toFile()).at("/spec/definition/properties/program/default");
        if (!program.isMissingNode()) {
            assertThat(beans()).contains(program.asText());
        }
    }

    @Test
    void everyRouteReferenceWithAHashNamesABean() throws Exception {
        Set<String> known = beans();
        for (Path file : Stream.concat(routeFiles(), kamelets()).toList()) {
            List<String> values = new ArrayList<>();
            texts(YAML.readTree(file.toFile()), values);
            assertThat(values.stream()
                            .filter(value -> value.matches("#[a-zA-Z]+"))
                            .map(value -> value.substring(1)))
                    .as(file.toString())
                    .allMatch(known::contains);
        }
    }

    /** The names of the beans that the application's configuration classes declare. */
    private static Set<String> beans() throws Exception {
        Set<String> names = new TreeSet<>();
        for (String configuration : List.of(
                "io.flux.CommonConfiguration",
                "io.flux.ConnectorsConfiguration",
                "io.flux.FeedConfiguration",
                "io.flux.GatewayConfiguration",
                "io.flux.WorkerConfiguration",
                "io.flux.http.HttpConfiguration")) {
            for (Method method : Class.forName(configuration).getDeclaredMethods()) {
                Bean bean = method.getAnnotation(Bean.class);
                if (bean != null) {
                    names.addAll(bean.name().length == 0 ? List.of(method.getName()) : Arrays.asList(bean.name()));
                }
            }
        }
        return names;
    }

    /** The schema offers thirty languages for each expression and complains about all of them: only what is wrong. */
    private static Set<String> problems(JsonNode document) {
        Set<String> all = schema.validate(document).stream()
                .map(ValidationMessage::getMessage)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> telling = new TreeSet<>(all);
        telling.removeIf(problem -> problem.matches(
                "(?s).*(required property '.*' not found|must be valid to one and only one|must not be valid to).*"));
        return telling.isEmpty() ? all : telling;
    }

    private static void collect(JsonNode node, String field, List<String> found) {
        if (node.isObject() && node.path(field).isTextual()) {
            found.add(node.get(field).asText());
        }
        node.forEach(child -> collect(child, field, found));
    }

    private static void texts(JsonNode node, List<String> found) {
        if (node.isTextual()) {
            found.add(node.asText());
        }
        node.forEach(child -> texts(child, found));
    }
}
