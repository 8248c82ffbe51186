package io.flux.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The resources of an overlay, as they would be in the cluster. */
record Cluster(List<HasMetadata> resources) {
    private static final String FLUX = "flux";

    static Cluster of(Path overlay) throws JsonProcessingException {
        List<HasMetadata> resources = new ArrayList<>();
        for (JsonNode resource : Kustomized.build(overlay)) {
            resources.add(StrictResources.read(resource));
        }
        return new Cluster(resources);
    }

    <T> List<T> all(Class<T> type) {
        return resources.stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends HasMetadata> T named(Class<T> type, String name) {
        return all(type).stream()
                .filter(resource -> resource.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no " + type.getSimpleName() + " " + name));
    }

    /** What pods are made from, by the name of what makes them. */
    Map<String, PodTemplateSpec> pods() {
        Map<String, PodTemplateSpec> pods = new TreeMap<>();
        for (Deployment deployment : all(Deployment.class)) {
            pods.put(deployment.getMetadata().getName(), deployment.getSpec().getTemplate());
        }
        for (StatefulSet set : all(StatefulSet.class)) {
            pods.put(set.getMetadata().getName(), set.getSpec().getTemplate());
        }
        return pods;
    }

    /** Flux's own: gateways and workers. */
    Map<String, PodTemplateSpec> fluxPods() {
        Map<String, PodTemplateSpec> pods = new TreeMap<>(pods());
        pods.values().removeIf(pod -> pod.getSpec().getContainers().stream()
                .noneMatch(container -> container.getName().equals(FLUX)));
        return pods;
    }

    static Container flux(PodTemplateSpec pod) {
        return pod.getSpec().getContainers().stream()
                .filter(container -> container.getName().equals(FLUX))
                .findFirst()
                .orElseThrow();
    }

    /** The variables of a Flux container, without those whose value is known in the cluster only. */
    Map<String, String> environment(PodTemplateSpec pod) {
        Map<String, String> environment = new HashMap<>();
        Container container = flux(pod);
        container
                .getEnvFrom()
                .forEach(source -> environment.putAll(
                        named(ConfigMap.class, source.getConfigMapRef().getName())
                                .getData()));
        for (EnvVar variable : container.getEnv()) {
            if (variable.getValue() != null) {
                environment.put(variable.getName(), variable.getValue());
            }
        }
        return environment;
    }

    /** The pods that a selector means. */
    List<PodTemplateSpec> selected(LabelSelector selector) {
        return pods().values().stream()
                .filter(pod -> matches(selector, pod.getMetadata().getLabels()))
                .toList();
    }

    private static boolean matches(LabelSelector selector, Map<String, String> labels) {
        boolean equal =
                Objects.requireNonNullElse(selector.getMatchLabels(), Map.<String, String>of()).entrySet().stream()
                        .allMatch(wanted -> wanted.getValue().equals(labels.get(wanted.getKey())));
        Stream<LabelSelectorRequirement> expressions = selector.getMatchExpressions().stream();
        return equal
                && expressions.allMatch(wanted -> {
                    if (!wanted.getOperator().equals("In")) {
                        throw new IllegalArgumentException(wanted.getOperator() + " is not known");
                    }
                    return wanted.getValues().contains(labels.get(wanted.getKey()));
                });
    }
}
