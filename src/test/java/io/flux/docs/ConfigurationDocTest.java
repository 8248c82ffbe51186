package io.flux.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.flux.FluxApplication;
import io.flux.FluxProperties;
import io.flux.job.ChatTemplate;
import io.flux.job.RequestLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** {@code docs/configuration.md} says what the code does: the same options, the same defaults, the same complaints. */
class ConfigurationDocTest {
    private static final Path DOCUMENT = Path.of("docs/configuration.md");
    private static final Path ROUTES = Path.of("routes");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(flux\\.[a-z.-]+):([^}]*)}}");

    @Test
    void everyOptionOfTheCodeIsDocumentedAndNoOther() throws IOException {
        assertThat(documented().keySet()).isEqualTo(FluxOptions.names());
    }

    @Test
    void everyDefaultIsTheOneOfApplicationYaml() throws IOException {
        Map<String, String> defaults = new TreeMap<>();
        Map<String, String> shipped = FluxOptions.defaults();
        for (String option : FluxOptions.names()) {
            String value = shipped.get(option);
            defaults.put(option, value == null ? "*(computed)*" : value.isEmpty() ? "*(empty)*" : "`" + value + "`");
        }
        Map<String, String> written = new TreeMap<>();
        documented().forEach((option, row) -> written.put(option, row.initial()));
        assertThat(written).isEqualTo(defaults);
    }

    /** A route names a default for whoever runs it without Flux's {@code application.yaml}. */
    @Test
    void everyDefaultInARouteIsTheOneOfApplicationYaml() throws IOException {
        Map<String, String> inRoutes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROUTES)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Matcher placeholder = PLACEHOLDER.matcher(Files.readString(file));
                while (placeholder.find()) {
                    inRoutes.put(placeholder.group(1), placeholder.group(2));
                }
            }
        }
        assertThat(inRoutes).isNotEmpty();
        assertThat(FluxOptions.defaults()).containsAllEntriesOf(inRoutes);
    }

    @Test
    void everyVariableIsItsPropertyInCapitals() throws IOException {
        documented().forEach((option, row) -> assertThat(row.variable()).isEqualTo(FluxOptions.variable(option)));
    }

    @TestFactory
    Stream<DynamicTest> everyWrongValueIsRefusedInTheWordsOfThePage() throws IOException {
        return rows("value").map(cells -> {
            String settings = cells.get(0).replace("`", "");
            String message = cells.get(1).replace("`", "").replace("…", "");
            return DynamicTest.dynamicTest(
                    settings, () -> assertThat(complaintsAbout(settings)).anyMatch(said -> said.startsWith(message)));
        });
    }

    private record Row(String variable, String initial) {}

    private static Map<String, Row> documented() throws IOException {
        Map<String, Row> documented = new TreeMap<>();
        rows("variable").forEach(cells -> {
            Row row = new Row(cells.get(0).replace("`", ""), cells.get(2));
            assertThat(documented.put(cells.get(1).replace("`", ""), row))
                    .as(cells.get(1))
                    .isNull();
        });
        return documented;
    }

    /** The rows of all tables whose first column has that heading. */
    private static Stream<List<String>> rows(String heading) throws IOException {
        List<List<String>> rows = new ArrayList<>();
        boolean inTable = false;
        for (String line : Files.readAllLines(DOCUMENT)) {
            if (line.startsWith("| " + heading + " |")) {
                inTable = true;
            } else if (!line.startsWith("|")) {
                inTable = false;
            } else if (inTable && !line.startsWith("|---")) {
                rows.add(Arrays.stream(line.substring(1).split("\\|"))
                        .map(String::strip)
                        .toList());
            }
        }
        assertThat(rows).isNotEmpty();
        return rows.stream();
    }

    /** What the first part of Flux says, and why, that looks at the settings ({@code name=value}, several joined by " and "). */
    private static List<String> complaintsAbout(String settings) throws IOException {
        Map<String, String> changed = Arrays.stream(settings.split(" and "))
                .map(setting -> setting.split("=", 2))
                .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
        Map<String, String> all = new HashMap<>(FluxOptions.defaults());
        all.put("flux.port", "0");
        all.putAll(changed);
        Throwable refusal = catchThrowable(() -> read(all));
        if (refusal == null) {
            // Not a matter of one value: the start itself refuses, before anything is started.
            refusal = catchThrowable(() -> FluxApplication.builder()
                    .run(all.entrySet().stream()
                            .map(entry -> "--" + entry.getKey() + "=" + entry.getValue())
                            .toArray(String[]::new))
                    .close());
        }
        assertThat(refusal).as("%s is accepted", settings).isNotNull();
        return Stream.iterate(refusal, Objects::nonNull, Throwable::getCause)
                .map(Throwable::getMessage)
                .toList();
    }

    private static void read(Map<String, String> settings) {
        FluxProperties flux = FluxOptions.read(settings);
        RequestLimits limits = new RequestLimits(flux.maxTokensDefault(), flux.maxTokensLimit());
        assertThat(limits).isNotNull();
        if (!flux.template().isEmpty()) {
            assertThat(ChatTemplate.named(flux.template())).isNotNull();
        }
    }
}
