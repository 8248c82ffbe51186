package io.flux;

import io.flux.access.KeysFile;
import io.flux.embedded.EmbeddedRedis;
import io.flux.model.ModelsFile;
import io.flux.model.Secret;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/**
 * Before any bean: turns {@code flux.bundles} and {@code flux.routes} into the files that Camel loads, picks what has no
 * fixed default, and starts the embedded Redis when none is named, so that it is the first to start and the last to stop.
 */
final class Bootstrap implements ApplicationContextInitializer<ConfigurableApplicationContext> {
    private static final Logger LOG = LoggerFactory.getLogger(Bootstrap.class);

    @Override
    public void initialize(ConfigurableApplicationContext context) {
        ConfigurableEnvironment environment = context.getEnvironment();
        List<String> bundles = Binder.get(environment)
                .bind("flux.bundles", Bindable.listOf(String.class))
                .orElse(List.of());
        if (bundles.contains("gateway")) {
            checkKeys(environment);
            checkCallbackSecret(environment);
        }
        // Only a route reads it, and Camel takes what is no duration for none.
        Binder.get(environment).bind("flux.batch-period", Duration.class);
        Map<String, Object> derived = new HashMap<>();
        derived.putAll(routes(environment, bundles));
        if (environment.getProperty("flux.port") == null) {
            derived.put("flux.port", bundles.contains("gateway") ? 8080 : 0);
        }
        if (environment.getProperty("flux.id", "").isBlank()) {
            derived.put("flux.id", UUID.randomUUID().toString());
        }
        derived.putAll(redis(context, bundles));
        environment.getPropertySources().addFirst(new MapPropertySource("flux", derived));
    }

    /** Before anything is started; the keys are read once more where they are needed. */
    private static void checkKeys(ConfigurableEnvironment environment) {
        String keys = environment.getProperty("flux.keys", "");
        String host = environment.getProperty("flux.host", "");
        if (!keys.isBlank()) {
            KeysFile.check(Path.of(keys));
        } else if (!isLoopback(host)) {
            throw new IllegalStateException(
                    "FLUX_HOST=" + host + " can be reached from other machines, so FLUX_KEYS must"
                            + " name a file of the keys that let clients in: ./flux key TENANT makes a key and its entry for the"
                            + " file. Without FLUX_HOST, Flux listens on this machine only and needs no keys");
        }
    }

    private static void checkCallbackSecret(ConfigurableEnvironment environment) {
        String file = environment.getProperty("flux.callback-secret-file", "");
        if (!file.isBlank()) {
            try {
                Secret.ofFile(Path.of(file)).read();
            } catch (IllegalStateException e) {
                throw new IllegalStateException("FLUX_CALLBACK_SECRET_FILE: " + e.getMessage(), e);
            }
        }
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private static Map<String, Object> routes(ConfigurableEnvironment environment, List<String> bundles) {
        String configured = environment.getProperty("flux.routes", "classpath:routes");
        boolean shipped = configured.startsWith("classpath:");
        Path folder = shipped ? null : Path.of(configured).toAbsolutePath();
        String base = shipped ? configured : "file:" + folder;
        List<String> patterns = new ArrayList<>();
        for (String bundle : FluxProperties.withCommon(bundles)) {
            require(
                    base + "/" + bundle + "/*.camel.yaml",
                    "FLUX_BUNDLES names " + bundle + ", but " + configured
                            + ", which FLUX_ROUTES names, has no such folder of routes");
            patterns.add(base + "/" + bundle + "/*.camel.yaml");
        }
        if (bundles.contains("connectors") && !bundles.contains("gateway")) {
            throw new IllegalStateException("FLUX_BUNDLES names connectors, which need the bundle gateway in the same"
                    + " process: FLUX_BUNDLES=gateway,connectors");
        }
        String models = environment.getProperty("flux.models", "");
        if (!models.isBlank()) {
            // Before anything is started; read once more where the models are served.
            ModelsFile.read(
                    Path.of(models),
                    engine -> !bundles.contains("worker") || exists(base + "/engines/" + engine + ".kamelet.yaml"));
        } else if (bundles.contains("worker")) {
            String engine = environment.getProperty("flux.engine", "");
            require(
                    base + "/engines/" + engine + ".kamelet.yaml",
                    "FLUX_ENGINE names " + engine + ", but " + configured + "/engines has no " + engine
                            + ".kamelet.yaml");
        }
        Map<String, Object> derived = new HashMap<>();
        derived.put("camel.main.routes-include-pattern", String.join(",", patterns));
        derived.put("camel.component.kamelet.location", base + "/engines," + base + "/kamelets");
        if (folder == null && environment.getProperty("flux.routes-reload", Boolean.class, false)) {
            throw new IllegalStateException(
                    "FLUX_ROUTES_RELOAD needs FLUX_ROUTES to be a folder, not the routes inside the jar");
        }
        return derived;
    }

    private static void require(String files, String otherwise) {
        if (!exists(files)) {
            throw new IllegalStateException(otherwise);
        }
    }

    private static boolean exists(String files) {
        try {
            for (Resource file : new PathMatchingResourcePatternResolver().getResources(files)) {
                if (file.exists()) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            // The folder is not there.
            return false;
        }
    }

    private static Map<String, Object> redis(ConfigurableApplicationContext context, List<String> bundles) {
        RedisAccess access = RedisAccess.of(context.getEnvironment());
        return access == null
                ? Map.of("spring.data.redis.url", embeddedRedis(context, bundles))
                : access.springProperties();
    }

    private static String embeddedRedis(ConfigurableApplicationContext context, List<String> bundles) {
        ConfigurableEnvironment environment = context.getEnvironment();
        if (!bundles.contains("gateway") || !bundles.contains("worker")) {
            throw new IllegalStateException("FLUX_BUNDLES=" + String.join(",", bundles)
                    + " is one part of Flux; FLUX_REDIS_URL must name the Redis that it shares with the others");
        }
        EmbeddedRedis redis = new EmbeddedRedis(Path.of(environment.getProperty("flux.data", ".flux"), "redis"));
        redis.start();
        LOG.info("Embedded Redis at {}, {}", redis.address(), redis.program());
        // Registered before any other bean, so destroyed after all of them.
        ((DefaultListableBeanFactory) context.getBeanFactory()).registerDisposableBean("embeddedRedis", redis::stop);
        return redis.uri().toString();
    }
}
