package io.flux;

import java.util.Map;
import java.util.Set;
import org.springframework.boot.autoconfigure.AutoConfigurationImportFilter;
import org.springframework.boot.autoconfigure.AutoConfigurationMetadata;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.EnvironmentAware;
import org.springframework.core.env.Environment;

/**
 * Leaves out what the jars of Spring Boot and Camel would set up and no part of Flux uses, before anybody reads it: that is a
 * tenth of what a worker's start costs. What other jars bring stays, and all of Camel's when an option is set that one of
 * them may read.
 */
final class NeededAutoConfiguration implements AutoConfigurationImportFilter, EnvironmentAware {
    private static final String SPRING = "org.springframework.boot.autoconfigure.";
    private static final Set<String> OF_SPRING = Set.of(
            "context.ConfigurationPropertiesAutoConfiguration",
            "context.LifecycleAutoConfiguration",
            "context.PropertyPlaceholderAutoConfiguration",
            "data.redis.RedisAutoConfiguration",
            "ssl.SslAutoConfiguration");

    private static final String CAMEL = "org.apache.camel.";
    private static final Set<String> OF_CAMEL = Set.of(
            "spring.boot.CamelAutoConfiguration",
            "component.kamelet.springboot.KameletComponentAutoConfiguration",
            "component.redis.springboot.RedisComponentAutoConfiguration",
            "component.redis.springboot.RedisComponentConverter");

    /** Whose options those two read, and Camel itself. */
    private static final Set<String> OPTIONS = Set.of("main", "springboot", "component");

    private static final Set<String> COMPONENTS = Set.of("kamelet", "spring-redis");

    private boolean allOfCamel;

    @Override
    public void setEnvironment(Environment environment) {
        Binder binder = Binder.get(environment);
        allOfCamel = !OPTIONS.containsAll(names(binder, "camel"))
                || !COMPONENTS.containsAll(names(binder, "camel.component"));
    }

    private static Set<String> names(Binder binder, String prefix) {
        return binder.bind(prefix, Bindable.mapOf(String.class, Object.class))
                .orElse(Map.of())
                .keySet();
    }

    @Override
    public boolean[] match(String[] configurations, AutoConfigurationMetadata metadata) {
        boolean[] needed = new boolean[configurations.length];
        for (int i = 0; i < configurations.length; i++) {
            needed[i] = configurations[i] != null && isNeeded(configurations[i]);
        }
        return needed;
    }

    private boolean isNeeded(String name) {
        // Spring also asks about what these extend and import.
        if (!name.endsWith("AutoConfiguration") && !name.endsWith("ComponentConverter")) {
            return true;
        }
        if (name.startsWith(SPRING)) {
            return OF_SPRING.contains(name.substring(SPRING.length()));
        }
        return allOfCamel || !name.startsWith(CAMEL) || OF_CAMEL.contains(name.substring(CAMEL.length()));
    }
}
