package io.flux.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceSettingsTest {
    @ParameterizedTest
    @CsvSource(
            value = {
                "                                                                | false",
                "otel.exporter.otlp.endpoint=http://c:4318                       | true",
                "otel.exporter.otlp.traces.endpoint=http://c:4318/v1/traces      | true",
                "otel.exporter.otlp.endpoint=                                    | false",
                "otel.traces.exporter=otlp                                       | true",
                "otel.traces.exporter=none otel.exporter.otlp.endpoint=http://c  | false",
                "otel.sdk.disabled=true otel.exporter.otlp.endpoint=http://c     | false"
            },
            delimiter = '|')
    void tracesAreWantedWhenAnExporterOrACollectorIsNamed(String settings, boolean wanted) {
        Map<String, String> properties = new HashMap<>();
        for (String setting :
                settings == null ? new String[0] : settings.strip().split(" ")) {
            properties.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
        }
        assertThat(TraceSettings.areWanted(properties::get)).isEqualTo(wanted);
    }
}
