package io.flux;

import io.flux.gateway.Hub;
import io.flux.job.AttemptLimits;
import io.flux.model.ModelSpec;
import io.flux.model.ModelsFile;
import io.flux.model.Parameters;
import io.flux.model.Secret;
import io.flux.supervision.Reaper;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.camel.component.exec.impl.ExecParseUtils;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/**
 * Flux's configuration. {@code application.yaml} holds every default and says what each option means; each
 * {@code flux.some-option} is also the environment variable {@code FLUX_SOME_OPTION}.
 */
@ConfigurationProperties("flux")
public record FluxProperties(
        List<String> bundles,
        String routes,
        boolean routesReload,
        String host,
        int port,
        List<String> allowedOrigins,
        String keys,
        String tlsCert,
        String tlsKey,
        int messageLimit,
        Duration requestTimeout,
        Duration idleTimeout,
        int maxTokensDefault,
        int maxTokensLimit,
        String redisUrl,
        int redisReplicas,
        Path data,
        int queueLimit,
        Duration retention,
        Duration lease,
        Duration leaseRenewal,
        Duration reap,
        Duration grace,
        Duration graceRenewal,
        Duration drain,
        int attempts,
        Duration backoff,
        Duration deadRetention,
        Duration ping,
        String callbackSecret,
        String callbackSecretFile,
        boolean callbackPrivate,
        int callbackAttempts,
        Duration callbackBackoff,
        String id,
        String pod,
        String log,
        Duration modelMemory,
        String models,
        String model,
        String modelFile,
        String template,
        String engine,
        String llamaDir,
        String llamaArgs,
        String openaiUrl,
        String openaiModel,
        String openaiKey,
        String openaiKeyFile,
        String openaiContinuation,
        Duration engineStall,
        DataSize engineMemory,
        int slots,
        int threads,
        int context,
        int feedJobs,
        int batchLimit,
        String jmsUrl,
        String jmsUser,
        String jmsPassword) {

    private static final int MOST_REPLICAS = 16;
    private static final DataSize SMALLEST_ENGINE_MEMORY = DataSize.ofMegabytes(64);

    public FluxProperties {
        check(!bundles.isEmpty(), "bundles must name at least one of gateway, worker");
        for (String bundle : bundles) {
            check(bundle.matches("[a-z][a-z0-9-]*"), "bundles must be folders of the routes directory, not " + bundle);
        }
        check(port >= 0 && port <= 65535, "port must be between 0 and 65535, not " + port);
        check(tlsCert.isBlank() == tlsKey.isBlank(), "tls-cert and tls-key must both be set, or none");
        check(
                redisReplicas >= 0 && redisReplicas <= MOST_REPLICAS,
                "redis-replicas must be between 0 and " + MOST_REPLICAS + ", not " + redisReplicas);
        check(queueLimit >= 1, "queue-limit must be at least 1, not " + queueLimit);
        check(attempts >= 1, "attempts must be at least 1, not " + attempts);
        check(slots >= 1, "slots must be at least 1, not " + slots);
        check(threads >= 0, "threads must be at least 0 (0: cores / slots), not " + threads);
        check(context >= 0, "context must be at least 0 (0: the model's own), not " + context);
        check(feedJobs >= 1, "feed-jobs must be at least 1, not " + feedJobs);
        check(batchLimit >= 1024, "batch-limit must be at least 1024 bytes, not " + batchLimit);
        check(messageLimit >= 1024, "message-limit must be at least 1024 bytes, not " + messageLimit);
        positive(requestTimeout, "request-timeout");
        positive(idleTimeout, "idle-timeout");
        check(log.equals("text") || log.equals("json"), "log must be text or json, not '" + log + "'");
        positive(modelMemory, "model-memory");
        check(
                model.isEmpty() || model.matches("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}"),
                "model must be 1 to 128 letters, digits, . _ : / -, not '" + model + "'");
        positive(retention, "retention");
        positive(lease, "lease");
        positive(leaseRenewal, "lease-renewal");
        check(
                leaseRenewal.compareTo(lease) < 0,
                "lease-renewal must be shorter than lease (" + lease + "), not " + leaseRenewal);
        positive(reap, "reap");
        Duration shortest = reap.multipliedBy(Reaper.PAUSE_ROUNDS).plus(leaseRenewal);
        check(
                lease.compareTo(shortest) > 0,
                "lease must be more than three times reap and a lease-renewal (" + shortest + "), not " + lease);
        positive(grace, "grace");
        positive(graceRenewal, "grace-renewal");
        notNegative(drain, "drain");
        notNegative(backoff, "backoff");
        positive(deadRetention, "dead-retention");
        positive(ping, "ping");
        check(callbackAttempts >= 1, "callback-attempts must be at least 1, not " + callbackAttempts);
        notNegative(callbackBackoff, "callback-backoff");
        positive(engineStall, "engine-stall");
        check(
                engineMemory == null
                        || engineMemory.toBytes() == 0
                        || engineMemory.compareTo(SMALLEST_ENGINE_MEMORY) >= 0,
                "engine-memory must be at least 64MB, or 0 for no bound, not " + engineMemory);
        check(
                !engine.equals("openai") || isAddress(openaiUrl),
                "openai-url must be the http(s) address of the server's API, https://host/v1, not '"
                        + openaiUrl.replaceAll("//[^/]*@", "//***@") + "'");
        check(
                Arrays.stream(ModelSpec.Continuation.values())
                        .anyMatch(choice -> choice.configName().equals(openaiContinuation)),
                "openai-continuation must be one of no, prefill, final-message, not '" + openaiContinuation + "'");
    }

    /** What posted answers are signed with; null when none are posted. */
    Secret callbackKey() {
        if (!callbackSecretFile.isBlank()) {
            return Secret.ofFile(Path.of(callbackSecretFile));
        }
        return callbackSecret.isBlank() ? null : Secret.of(callbackSecret);
    }

    /** How often a job may be tried. */
    AttemptLimits attemptLimits() {
        return AttemptLimits.of(attempts);
    }

    /** How long a job counts as followed, and how often a gateway says so. */
    Hub.Attention attention() {
        return new Hub.Attention(grace, graceRenewal);
    }

    /** The folders whose routes run: the bundles and what all of them share. */
    static List<String> withCommon(List<String> bundles) {
        return Stream.concat(bundles.stream(), Stream.of("common")).distinct().toList();
    }

    /** Whether this process takes requests. */
    public boolean gateway() {
        return bundles.contains("gateway");
    }

    /** Whether nobody comes in without a key. Only a gateway has doors. */
    public boolean keysRequired() {
        return gateway() && !keys.isBlank();
    }

    /** Whether this process runs engines. */
    public boolean worker() {
        return bundles.contains("worker");
    }

    /**
     * The models that this process is configured with: those of the file that {@code FLUX_MODELS} names, or the one of the
     * {@code FLUX_MODEL…} options. A worker always has one; a gateway that names none has none.
     *
     * @throws IllegalArgumentException when the file is wrong
     */
    List<ModelSpec> configuredModels() {
        if (!models.isBlank()) {
            return ModelsFile.read(Path.of(models));
        }
        return worker() || !model.isEmpty() ? List.of(onlyModel()) : List.of();
    }

    /** The model that the {@code FLUX_MODEL…} options describe. */
    private ModelSpec onlyModel() {
        return new ModelSpec(
                modelName(),
                List.of(),
                engine,
                modelFile.isBlank() ? null : Path.of(modelFile),
                template.isBlank() ? null : template,
                context,
                slots,
                threads,
                llamaArgs.isBlank() ? List.of() : ExecParseUtils.splitToWhiteSpaceSeparatedTokens(llamaArgs),
                engine.equals("openai") ? upstream() : null,
                Parameters.NONE);
    }

    private String modelName() {
        return model.isEmpty() ? "default" : model;
    }

    private ModelSpec.Upstream upstream() {
        return new ModelSpec.Upstream(
                URI.create(openaiUrl),
                openaiModel.isBlank() ? modelName() : openaiModel,
                key(),
                Arrays.stream(ModelSpec.Continuation.values())
                        .filter(choice -> choice.configName().equals(openaiContinuation))
                        .findFirst()
                        .orElseThrow());
    }

    private Secret key() {
        if (!openaiKeyFile.isBlank()) {
            return Secret.ofFile(Path.of(openaiKeyFile));
        }
        return openaiKey.isBlank() ? null : Secret.of(openaiKey);
    }

    /** http(s)://host[:port][/path], and nothing that would be shown with it, such as a password. */
    private static boolean isAddress(String text) {
        try {
            URI url = new URI(text);
            return text.matches("https?://\\S+")
                    && url.getHost() != null
                    && url.getRawUserInfo() == null
                    && url.getRawQuery() == null
                    && url.getRawFragment() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static void notNegative(Duration duration, String name) {
        check(!duration.isNegative(), name + " must not be negative, but is " + duration);
    }

    private static void positive(Duration duration, String name) {
        check(!duration.isNegative() && !duration.isZero(), name + " must be more than 0, not " + duration);
    }

    private static void check(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("flux." + rule);
        }
    }
}
