package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryAfterTest {
    private static final Clock NOON = Clock.fixed(Instant.parse("2026-01-05T12:00:00Z"), ZoneOffset.UTC);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "20 | PT20S",
                "1.5 | PT1.5S",
                "Mon, 05 Jan 2026 12:02:00 GMT | PT2M",
                "Mon, 05 Jan 2026 11:59:00 GMT | PT-1M",
                "soon |",
                "-3 |",
                "'' |",
                "|"
            })
    void secondsAndDatesAreUnderstood(String value, Duration meant) {
        assertThat(RetryAfter.parse(value, NOON)).isEqualTo(meant);
    }
}
