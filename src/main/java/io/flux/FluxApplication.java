package io.flux;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;

/** Starts Flux: the bundles, and what they need, in this process. */
@SpringBootApplication
@EnableConfigurationProperties(FluxProperties.class)
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
