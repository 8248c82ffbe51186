package io.flux;

import io.flux.http.HttpConfiguration;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Import;

/**
 * Starts Flux: the bundles, and what they need, in this process. Its parts are named and not searched for, which is a twelfth of
 * the time that a worker takes to start.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@EnableConfigurationProperties(FluxProperties.class)
@Import({
    CommonConfiguration.class,
    ConnectorsConfiguration.class,
    FeedConfiguration.class,
    GatewayConfiguration.class,
    HttpConfiguration.class,
    Lifecycle.class,
    WorkerConfiguration.class
})
public class FluxApplication {

    /** Flux, not yet started, for whoever wants to start it in their own process. */
    public static SpringApplicationBuilder builder() {
        return new SpringApplicationBuilder(FluxApplication.class)
                .web(WebApplicationType.NONE)
                .initializers(new Bootstrap())
                .logStartupInfo(false);
    }

    public static void main(String[] args) {
        try {
            builder().run(args);
        } catch (RuntimeException e) {
            // Spring has said why. Threads that are up already would keep a half-started process alive.
            System.exit(1);
        }
    }
}
