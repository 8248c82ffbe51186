package io.flux.docs;

import io.flux.FluxProperties;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.ApplicationConversionService;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.io.ClassPathResource;

/** The options that Flux has, as its code and {@code application.yaml} say. */
public final class FluxOptions {
    private static final String PREFIX = "flux.";

    private FluxOptions() {}

    /** All of them: {@code flux.some-option}. */
    public static SortedSet<String> names() throws IOException {
        SortedSet<String> options = new TreeSet<>(defaults().keySet());
        for (RecordComponent component : FluxProperties.class.getRecordComponents()) {
            options.add(
                    PREFIX + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
        }
        return options;
    }

    /** The environment variable of an option. */
    public static String variable(String option) {
        return option.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    /** Those that have a default. */
    public static Map<String, String> defaults() throws IOException {
        return new YamlPropertySourceLoader()
                .load("application", new ClassPathResource("application.yaml")).stream()
                        .map(source -> (EnumerablePropertySource<?>) source)
                        .flatMap(source -> Arrays.stream(source.getPropertyNames())
                                .map(name -> Map.entry(name, String.valueOf(source.getProperty(name)))))
                        .filter(entry -> entry.getKey().startsWith(PREFIX))
                        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /** Reads all options, by their names, as Flux does; a wrong value is refused as there. */
    public static FluxProperties read(Map<String, String> settings) {
        return new Binder(
                        List.of(new MapConfigurationPropertySource(settings)),
                        null,
                        ApplicationConversionService.getSharedInstance(),
                        null)
                .bind(PREFIX.substring(0, PREFIX.length() - 1), FluxProperties.class)
                .get();
    }
}
