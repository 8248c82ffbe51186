package io.flux.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.SecretVolumeSource;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.HTTPIngressPath;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.flux.FluxProperties;
import io.flux.docs.FluxOptions;
import io.flux.model.ModelsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The manifests in {@code k8s/}: each overlay is whole, and its names are those of Kubernetes, of Flux and of each other. */
class ManifestsTest {
    private static final Path OVERLAYS = Path.of("k8s", "overlays");
    private static final Path ROUTES = Path.of("routes");
    private static final Path DOCUMENT = Path.of("docs", "kubernetes.md");
    /** Handing over, and then the routes: docs/configuration.md, FLUX_DRAIN. */
    private static final Duration AFTER_DRAIN = Duration.ofSeconds(6);

    private static final Map<String, Cluster> CLUSTERS = new TreeMap<>();
    private static String document;

    @BeforeAll
    static void build() throws IOException {
        try (Stream<Path> folders = Files.list(OVERLAYS)) {
            for (Path folder : folders.toList()) {
                CLUSTERS.put(folder.getFileName().toString(), Cluster.of(folder));
            }
        }
        document = Files.readString(DOCUMENT);
    }

    static Stream<String> overlays() {
        return CLUSTERS.keySet().stream();
    }

    @Test
    void aFieldThatKubernetesDoesNotKnowIsRefused() throws IOException {
        JsonNode wrong = new ObjectMapper()
                .readTree("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"a\"},"
                        + "\"spec\":{\"template\":{\"spec\":{\"terminationGracePeriod\":30}}}}");
        assertThatThrownBy(() -> StrictResources.read(wrong)).hasMessageContaining("terminationGracePeriod");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyResourceIsInFluxsNamespace(String overlay) {
        for (HasMetadata resource : CLUSTERS.get(overlay).resources()) {
            if (!resource.getKind().equals("Namespace")) {
                assertThat(resource.getMetadata().getNamespace())
                        .as("%s %s", resource.getKind(), resource.getMetadata().getName())
                        .isEqualTo("flux");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyVariableIsAnOptionOfFluxAndItsValueIsAllowed(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        assertThat(cluster.fluxPods()).hasSizeGreaterThanOrEqualTo(2);
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            assertThat(variables(pod, cluster))
                    .isSubsetOf(FluxOptions.names().stream()
                            .map(FluxOptions::variable)
                            .toList());
            assertThat(options(pod, cluster)).isNotNull();
        }
    }

    private static TreeSet<String> variables(PodTemplateSpec pod, Cluster cluster) {
        TreeSet<String> variables = new TreeSet<>(cluster.environment(pod).keySet());
        Cluster.flux(pod).getEnv().forEach(variable -> variables.add(variable.getName()));
        return variables;
    }

    /** What Flux makes of a pod's variables, on top of the image's. */
    private static FluxProperties options(PodTemplateSpec pod, Cluster cluster) throws IOException {
        Map<String, String> variables = new HashMap<>(ImageFile.read().environment());
        variables.putAll(cluster.environment(pod));
        Map<String, String> options = new HashMap<>(FluxOptions.defaults());
        for (String option : FluxOptions.names()) {
            String value = variables.get(FluxOptions.variable(option));
            if (value != null) {
                options.put(option, value);
            }
        }
        return FluxOptions.read(options);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void thereAreGatewaysAndWorkersAndEachIsOneOfThem(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        int gateways = 0;
        int workers = 0;
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            FluxProperties flux = options(pod, cluster);
            assertThat(flux.gateway()).isNotEqualTo(flux.worker());
            assertThat(flux.keysRequired()).isEqualTo(flux.gateway());
            gateways += flux.gateway() ? 1 : 0;
            workers += flux.worker() ? 1 : 0;
        }
        assertThat(gateways).isEqualTo(1);
        assertThat(workers).isPositive();
    }

    /** Whoever asks for a model while it has no worker is let in. */
    @ParameterizedTest
    @MethodSource("overlays")
    void gatewaysKnowTheModelOfEachWorker(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        TreeSet<String> served = new TreeSet<>();
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            if (options(pod, cluster).worker()) {
                served.add(options(pod, cluster).model());
            }
        }
        assertThat(ModelsFile.read(Path.of("k8s/base/models.yaml")).stream().map(model -> model.name()))
                .containsAll(served);
        assertThat(cluster.all(ConfigMap.class).stream()
                        .filter(map -> map.getMetadata().getName().startsWith("flux-models-"))
                        .map(map -> map.getData().get("models.yaml")))
                .containsExactly(Files.readString(Path.of("k8s/base/models.yaml")));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void thePodLivesLongerThanItsDrain(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            FluxProperties flux = options(pod, cluster);
            Duration needed = AFTER_DRAIN.plus(sleepOfPreStop(Cluster.flux(pod)));
            if (flux.worker()) {
                needed = needed.plus(flux.drain());
            }
            assertThat(Duration.ofSeconds(pod.getSpec().getTerminationGracePeriodSeconds()))
                    .isGreaterThan(needed);
        }
    }

    private static Duration sleepOfPreStop(Container container) {
        if (container.getLifecycle() == null) {
            return Duration.ZERO;
        }
        List<String> command = container.getLifecycle().getPreStop().getExec().getCommand();
        assertThat(command).hasSize(2).first().isEqualTo("sleep");
        return Duration.ofSeconds(Long.parseLong(command.get(1)));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void aRollingUpdateHasTheNewOneReadyBeforeAnOldOneGoes(String overlay) {
        for (Deployment deployment : CLUSTERS.get(overlay).all(Deployment.class)) {
            var update = deployment.getSpec().getStrategy().getRollingUpdate();
            assertThat(update.getMaxUnavailable()).isEqualTo(new IntOrString(0));
            assertThat(update.getMaxSurge()).isEqualTo(new IntOrString(1));
        }
    }

    /** A number in a manifest would undo, with each `kubectl apply`, what was scaled. */
    @ParameterizedTest
    @MethodSource("overlays")
    void nobodyButTheScalersSaysHowManyThereAre(String overlay) {
        assertThat(CLUSTERS.get(overlay).all(Deployment.class))
                .allMatch(deployment -> deployment.getSpec().getReplicas() == null);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everySelectorMatchesPods(String overlay) {
        Cluster cluster = CLUSTERS.get(overlay);
        for (Deployment deployment : cluster.all(Deployment.class)) {
            assertThat(cluster.selected(deployment.getSpec().getSelector()))
                    .as("only its own")
                    .containsExactly(deployment.getSpec().getTemplate());
            deployment
                    .getSpec()
                    .getTemplate()
                    .getSpec()
                    .getTopologySpreadConstraints()
                    .forEach(spread -> assertThat(cluster.selected(spread.getLabelSelector()))
                            .contains(deployment.getSpec().getTemplate()));
        }
        for (StatefulSet set : cluster.all(StatefulSet.class)) {
            assertThat(cluster.selected(set.getSpec().getSelector()))
                    .containsExactly(set.getSpec().getTemplate());
            assertThat(cluster.named(Service.class, set.getSpec().getServiceName()))
                    .isNotNull();
        }
        for (PodDisruptionBudget budget : cluster.all(PodDisruptionBudget.class)) {
            assertThat(cluster.selected(budget.getSpec().getSelector())).isNotEmpty();
        }
        for (HorizontalPodAutoscaler scaler : cluster.all(HorizontalPodAutoscaler.class)) {
            assertThat(scaler.getSpec().getScaleTargetRef().getKind()).isEqualTo("Deployment");
            assertThat(cluster.named(
                            Deployment.class,
                            scaler.getSpec().getScaleTargetRef().getName()))
                    .isNotNull();
        }
        for (RoleBinding binding : cluster.all(RoleBinding.class)) {
            assertThat(cluster.named(Role.class, binding.getRoleRef().getName()))
                    .isNotNull();
            binding.getSubjects().forEach(subject -> assertThat(cluster.named(ServiceAccount.class, subject.getName()))
                    .isNotNull());
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyServiceLeadsToAPortOfItsPods(String overlay) {
        Cluster cluster = CLUSTERS.get(overlay);
        for (Service service : cluster.all(Service.class)) {
            LabelSelector selector = new LabelSelectorBuilder()
                    .withMatchLabels(service.getSpec().getSelector())
                    .build();
            assertThat(cluster.selected(selector)).isNotEmpty().allSatisfy(pod -> service.getSpec()
                    .getPorts()
                    .forEach(port -> assertThat(ports(pod).map(ContainerPort::getName))
                            .contains(port.getTargetPort().getStrVal())));
        }
        for (Ingress ingress : cluster.all(Ingress.class)) {
            ingress.getSpec().getRules().stream()
                    .flatMap(rule -> rule.getHttp().getPaths().stream())
                    .map(HTTPIngressPath::getBackend)
                    .forEach(backend -> assertThat(cluster.named(
                                            Service.class, backend.getService().getName())
                                    .getSpec()
                                    .getPorts())
                            .anyMatch(port -> port.getName()
                                    .equals(backend.getService().getPort().getName())));
        }
    }

    private static Stream<ContainerPort> ports(PodTemplateSpec pod) {
        return pod.getSpec().getContainers().stream().flatMap(container -> container.getPorts().stream());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyNetworkPolicyIsAboutPodsAndPortsThatThereAre(String overlay) {
        Cluster cluster = CLUSTERS.get(overlay);
        assertThat(cluster.all(NetworkPolicy.class))
                .as("whatever no other policy allows is denied")
                .anyMatch(policy -> cluster.selected(policy.getSpec().getPodSelector())
                                .containsAll(cluster.pods().values())
                        && policy.getSpec().getPolicyTypes().containsAll(List.of("Ingress", "Egress"))
                        && policy.getSpec().getIngress().isEmpty()
                        && policy.getSpec().getEgress().isEmpty());
        for (NetworkPolicy policy : cluster.all(NetworkPolicy.class)) {
            List<PodTemplateSpec> pods = cluster.selected(policy.getSpec().getPodSelector());
            assertThat(pods).as(policy.getMetadata().getName()).isNotEmpty();
            policy.getSpec().getIngress().forEach(rule -> {
                assertSelects(cluster, rule.getFrom());
                rule.getPorts().forEach(port -> assertThat(pods)
                        .allMatch(pod -> ports(pod).anyMatch(open -> open.getContainerPort()
                                .equals(port.getPort().getIntVal()))));
            });
            policy.getSpec().getEgress().forEach(rule -> assertSelects(cluster, rule.getTo()));
        }
    }

    private static void assertSelects(Cluster cluster, List<NetworkPolicyPeer> peers) {
        peers.stream()
                .filter(peer -> peer.getPodSelector() != null && peer.getNamespaceSelector() == null)
                .forEach(peer ->
                        assertThat(cluster.selected(peer.getPodSelector())).isNotEmpty());
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyProbeOfFluxAsksAnAddressOfItsApi(String overlay) throws IOException {
        JsonNode paths = new ObjectMapper()
                .readTree(Path.of("docs/api/openapi.json").toFile())
                .path("paths");
        String port = ImageFile.read().environment().get("FLUX_PORT");
        for (PodTemplateSpec pod : CLUSTERS.get(overlay).fluxPods().values()) {
            Container flux = Cluster.flux(pod);
            assertThat(flux.getPorts().stream().map(open -> open.getName() + " " + open.getContainerPort()))
                    .containsExactly("http " + port);
            assertThat(List.of(flux.getStartupProbe(), flux.getLivenessProbe(), flux.getReadinessProbe()))
                    .allSatisfy(probe -> {
                        assertThat(paths.path(probe.getHttpGet().getPath()).has("get"))
                                .isTrue();
                        assertThat(probe.getHttpGet().getPort().getStrVal()).isEqualTo("http");
                    });
            assertThat(path(flux.getLivenessProbe()))
                    .as("a restart brings no Redis back, and no engine")
                    .isEqualTo("/health/live");
            assertThat(path(flux.getReadinessProbe())).isEqualTo("/health");
        }
    }

    private static String path(Probe probe) {
        return probe.getHttpGet().getPath();
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void whatAPodRefersToIsThereOrTheGuideSaysHowToMakeIt(String overlay) {
        Cluster cluster = CLUSTERS.get(overlay);
        for (PodTemplateSpec pod : cluster.pods().values()) {
            if (pod.getSpec().getServiceAccountName() != null) {
                assertThat(cluster.named(ServiceAccount.class, pod.getSpec().getServiceAccountName()))
                        .isNotNull();
            }
            TreeSet<String> volumes = pod.getSpec().getVolumes().stream()
                    .map(Volume::getName)
                    .collect(Collectors.toCollection(TreeSet::new));
            cluster.all(StatefulSet.class).stream()
                    .filter(set -> set.getSpec().getTemplate().equals(pod))
                    .flatMap(set -> set.getSpec().getVolumeClaimTemplates().stream())
                    .forEach(claim -> volumes.add(claim.getMetadata().getName()));
            for (Container container : pod.getSpec().getContainers()) {
                assertThat(container.getVolumeMounts().stream().map(VolumeMount::getName))
                        .containsExactlyInAnyOrderElementsOf(volumes);
                container.getEnv().forEach(ManifestsTest::assertDocumented);
            }
            for (Volume volume : pod.getSpec().getVolumes()) {
                if (volume.getConfigMap() != null) {
                    assertThat(cluster.named(
                                    ConfigMap.class, volume.getConfigMap().getName()))
                            .isNotNull();
                } else if (volume.getSecret() != null) {
                    assertDocumented(volume.getSecret());
                }
            }
        }
        cluster.all(Ingress.class).forEach(ingress -> ingress.getSpec().getTls().forEach(tls -> assertThat(document)
                .contains("create secret tls " + tls.getSecretName())));
    }

    private static void assertDocumented(EnvVar variable) {
        if (variable.getValueFrom() != null && variable.getValueFrom().getSecretKeyRef() != null) {
            SecretsGuide.assertSays(
                    document,
                    variable.getValueFrom().getSecretKeyRef().getName(),
                    variable.getValueFrom().getSecretKeyRef().getKey());
        }
    }

    private static void assertDocumented(SecretVolumeSource secret) {
        if (secret.getItems().isEmpty()) {
            assertThat(document).contains("create secret generic " + secret.getSecretName());
        }
        secret.getItems().forEach(item -> SecretsGuide.assertSays(document, secret.getSecretName(), item.getKey()));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyPodMayDoAsLittleAsPodSecurityDemands(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        for (PodTemplateSpec pod : cluster.pods().values()) {
            var security = pod.getSpec().getSecurityContext();
            assertThat(security.getRunAsNonRoot()).isTrue();
            assertThat(security.getRunAsUser()).isPositive();
            assertThat(security.getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            for (Container container : pod.getSpec().getContainers()) {
                assertThat(container.getSecurityContext().getAllowPrivilegeEscalation())
                        .isFalse();
                assertThat(container.getSecurityContext().getCapabilities().getDrop())
                        .containsExactly("ALL");
                assertThat(container.getSecurityContext().getReadOnlyRootFilesystem())
                        .isTrue();
                assertThat(container.getResources().getRequests()).containsOnlyKeys("cpu", "memory");
                assertThat(container.getResources().getLimits()).containsKey("memory");
            }
        }
        ImageFile image = ImageFile.read();
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            var security = pod.getSpec().getSecurityContext();
            assertThat(security.getRunAsUser() + ":" + security.getRunAsGroup()).isEqualTo(image.user());
            assertThat(writable(pod))
                    .containsExactlyInAnyOrder("/tmp", image.environment().get("FLUX_DATA"));
            assertThat(pod.getSpec().getEnableServiceLinks())
                    .as("Kubernetes' own variables begin with FLUX_, too")
                    .isFalse();
        }
    }

    private static List<String> writable(PodTemplateSpec pod) {
        List<String> empty = pod.getSpec().getVolumes().stream()
                .filter(volume -> volume.getEmptyDir() != null)
                .map(Volume::getName)
                .toList();
        return Cluster.flux(pod).getVolumeMounts().stream()
                .filter(mount -> empty.contains(mount.getName()))
                .map(VolumeMount::getMountPath)
                .toList();
    }

    /** A token is a way into the API server: only who writes deletion costs has one. */
    @ParameterizedTest
    @MethodSource("overlays")
    void onlyWhoAsksKubernetesHasAToken(String overlay) {
        Cluster cluster = CLUSTERS.get(overlay);
        for (PodTemplateSpec pod : cluster.pods().values()) {
            boolean asks = pod.getSpec().getContainers().stream()
                    .flatMap(container -> container.getEnv().stream())
                    .anyMatch(variable -> variable.getName().equals("FLUX_POD"));
            assertThat(pod.getSpec().getAutomountServiceAccountToken()).isEqualTo(asks);
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void theMountedRoutesAreTheShippedOnes(String overlay) throws IOException {
        Cluster cluster = CLUSTERS.get(overlay);
        Path root = Path.of(ImageFile.read().environment().get("FLUX_ROUTES"));
        Map<String, Map<String, String>> mounted = new TreeMap<>();
        for (PodTemplateSpec pod : cluster.fluxPods().values()) {
            Map<String, String> maps = pod.getSpec().getVolumes().stream()
                    .filter(volume -> volume.getConfigMap() != null)
                    .collect(Collectors.toMap(
                            Volume::getName, volume -> volume.getConfigMap().getName()));
            TreeSet<String> bundles = new TreeSet<>();
            for (VolumeMount mount : Cluster.flux(pod).getVolumeMounts()) {
                Path path = Path.of(mount.getMountPath());
                if (path.startsWith(root)) {
                    String bundle = root.relativize(path).toString();
                    bundles.add(bundle);
                    mounted.put(
                            bundle,
                            cluster.named(ConfigMap.class, maps.get(mount.getName()))
                                    .getData());
                }
            }
            assertThat(bundles)
                    .contains("common", "kamelets")
                    .contains(options(pod, cluster).bundles().toArray(String[]::new));
        }
        assertThat(mounted).isEqualTo(shipped());
    }

    private static Map<String, Map<String, String>> shipped() throws IOException {
        Map<String, Map<String, String>> shipped = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROUTES, 2)) {
            for (Path file : files.filter(path -> path.getNameCount() == 3).toList()) {
                shipped.computeIfAbsent(
                                Objects.requireNonNull(file.getParent())
                                        .getFileName()
                                        .toString(),
                                bundle -> new TreeMap<>())
                        .put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return shipped;
    }
}
