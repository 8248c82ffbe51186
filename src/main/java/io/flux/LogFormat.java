package io.flux;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.env.EnvironmentPostProcessor;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/**
 * Before logging is set up: {@code FLUX_LOG=json} has Spring write JSON, with the members that {@code application.yaml}
 * lists. One of them is the process's name, which is therefore chosen here when none is given. Another value than
 * {@code json} leaves the log as it is; a wrong one is refused with the other options.
 */
final class LogFormat implements EnvironmentPostProcessor {
    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        if (!environment.getProperty("flux.log", "").equals("json")) {
            return;
        }
        Map<String, Object> chosen = new HashMap<>();
        chosen.put("logging.structured.format.console", "logstash");
        if (environment.getProperty("flux.id", "").isBlank()) {
            chosen.put("flux.id", UUID.randomUUID().toString());
        }
        environment.getPropertySources().addFirst(new MapPropertySource("flux-log", chosen));
    }
}
