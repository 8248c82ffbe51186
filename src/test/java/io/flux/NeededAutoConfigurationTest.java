package io.flux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.mock.env.MockEnvironment;

class NeededAutoConfigurationTest {
    private static final String KAFKA = "org.apache.camel.component.kafka.springboot.KafkaComponentAutoConfiguration";
    private static final String REDIS = "org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration";
    private static final String JDBC = "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration";

    private final MockEnvironment environment = new MockEnvironment()
            .withProperty("camel.main.name", "flux")
            .withProperty("camel.component.spring-redis.redis-template", "#stringRedisTemplate")
            .withProperty("camel.component.kamelet.no-error-handler", "true");

    @Test
    void whatNoPartOfFluxUsesIsLeftOut() {
        assertThat(needed(REDIS)).isTrue();
        assertThat(needed(JDBC)).isFalse();
        assertThat(needed(KAFKA)).isFalse();
    }

    @Test
    void whatATeamsOwnJarBringsStays() {
        assertThat(needed("com.example.OurBrokerAutoConfiguration")).isTrue();
    }

    @Test
    void whatTheNeededOnesImportStays() {
        assertThat(needed("org.springframework.boot.autoconfigure.data.redis.LettuceConnectionConfiguration"))
                .isTrue();
    }

    @Test
    void anOptionOfACamelComponentIsHeeded() {
        environment.setProperty("camel.component.kafka.brokers", "broker:9092");
        assertThat(needed(KAFKA)).isTrue();
        assertThat(needed(JDBC)).isFalse();
    }

    @Test
    void anyOtherOptionOfCamelIsHeeded() {
        environment.setProperty("camel.dataformat.csv.delimiter", ";");
        assertThat(needed("org.apache.camel.dataformat.csv.springboot.CsvDataFormatAutoConfiguration"))
                .isTrue();
    }

    private boolean needed(String configuration) {
        NeededAutoConfiguration filter = new NeededAutoConfiguration();
        filter.setEnvironment(environment);
        return filter.match(new String[] {configuration}, null)[0];
    }
}
