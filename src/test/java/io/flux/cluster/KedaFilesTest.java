package io.flux.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBehavior;
import io.flux.ledger.Keys;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What KEDA is told, in each variant: its own words, the right keys, and the workers that there are. */
class KedaFilesTest {
    private static final Path KEDA = Path.of("keda");
    private static final Pattern NAME = Pattern.compile("[a-z]+");

    @TempDir
    static Path folder;

    private static final Map<String, List<JsonNode>> VARIANTS = new TreeMap<>();
    private static JsonSchema schema;
    private static Cluster cluster;
    private static String document;

    @BeforeAll
    static void build() throws IOException {
        for (String overlay : List.of("local", "production")) {
            VARIANTS.put(overlay, Kustomized.build(KEDA.resolve("overlays").resolve(overlay)));
        }
        for (String component : List.of("sentinel", "cluster")) {
            VARIANTS.put(component, with(component));
        }
        try (InputStream file = KedaFilesTest.class.getResourceAsStream("/keda.schema.json")) {
            schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(file);
        }
        cluster = Cluster.of(Path.of("k8s", "overlays", "local"));
        document = Files.readString(Path.of("docs", "kubernetes.md"));
    }

    /** The overlay for production, with a component more. */
    private static List<JsonNode> with(String component) throws IOException {
        Path variant = Files.createDirectory(folder.resolve(component));
        // kustomize takes no absolute paths, and follows no links.
        Path keda = variant.toRealPath().relativize(KEDA.toRealPath());
        Files.writeString(
                variant.resolve("kustomization.yaml"),
                """
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources:
                  - %s
                components:
                  - %s
                """
                        .formatted(keda.resolve("overlays/production"), keda.resolve("components/" + component)));
        return Kustomized.build(variant);
    }

    static Stream<String> variants() {
        return VARIANTS.keySet().stream();
    }

    private static List<JsonNode> ofKind(String variant, String kind) {
        List<JsonNode> found = VARIANTS.get(variant).stream()
                .filter(resource -> resource.path("kind").asText().equals(kind))
                .toList();
        assertThat(found).isNotEmpty();
        return found;
    }

    @ParameterizedTest
    @MethodSource("variants")
    void everyFieldIsOneThatKedaHas(String variant) throws IOException {
        for (JsonNode resource : VARIANTS.get(variant)) {
            assertThat(schema.validate(resource)).isEmpty();
        }
        for (JsonNode object : ofKind(variant, "ScaledObject")) {
            JsonNode behavior = object.at("/spec/advanced/horizontalPodAutoscalerConfig/behavior");
            assertThat(StrictResources.part(behavior, HorizontalPodAutoscalerBehavior.class)
                            .getScaleDown())
                    .isNotNull();
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void theWorkersOfAModelAreScaledByItsOwnQueue(String variant) throws IOException {
        for (JsonNode object : ofKind(variant, "ScaledObject")) {
            PodTemplateSpec worker = cluster.named(
                            Deployment.class,
                            object.at("/spec/scaleTargetRef/name").asText())
                    .getSpec()
                    .getTemplate();
            String model = cluster.environment(worker).get("FLUX_MODEL");
            Map<String, String> keys = new HashMap<>();
            object.at("/spec/triggers")
                    .forEach(trigger -> keys.put(
                            trigger.path("name").asText(),
                            trigger.at("/metadata/listName").asText()));
            assertThat(keys).isEqualTo(Map.of("waiting", Keys.waiting(model), "running", Keys.running(model)));
            assertThat(NAME.matcher(object.at("/spec/advanced/scalingModifiers/formula")
                                    .asText())
                            .results()
                            .map(name -> name.group())
                            .filter(name -> !name.equals("max")))
                    .containsExactlyInAnyOrder("waiting", "running");
            assertThat(object.at("/spec/advanced/scalingModifiers/target").asText())
                    .as("as many jobs as a worker has slots")
                    .isEqualTo(cluster.environment(worker).get("FLUX_SLOTS"));
            assertThat(object.at("/spec/minReplicaCount").asInt(-1)).isZero();
            assertThat(object.at("/spec/fallback/replicas").asInt())
                    .as("KEDA scales to zero when Redis is away and this is 0")
                    .isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void kedaFindsRedisByASecretThatTheGuideMakes(String variant) {
        JsonNode authentication = ofKind(variant, "TriggerAuthentication").get(0);
        for (JsonNode object : ofKind(variant, "ScaledObject")) {
            assertThat(object.at("/spec/triggers"))
                    .allSatisfy(trigger -> assertThat(trigger.at("/authenticationRef/name"))
                            .isEqualTo(authentication.at("/metadata/name")));
        }
        for (JsonNode reference : authentication.at("/spec/secretTargetRef")) {
            SecretsGuide.assertSays(
                    document,
                    reference.path("name").asText(),
                    reference.path("key").asText());
        }
    }
}
