package io.flux.engine;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;

/** HTTP's header {@code Retry-After}: seconds, or a date. */
final class RetryAfter {
    private RetryAfter() {}

    /**
     * How long to wait from now.
     *
     * @param value the header's; or null
     * @return null when it says nothing that is understood; negative when the date is over
     */
    static Duration parse(String value, Clock clock) {
        if (value == null || value.isBlank()) {
            return null;
        }
        String text = value.strip();
        if (text.matches("\\d{1,9}(\\.\\d+)?")) {
            return Duration.ofMillis((long) (Double.parseDouble(text) * 1000));
        }
        try {
            Instant date = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
            return Duration.between(clock.instant(), date);
        } catch (DateTimeException nothingThatIsKnown) {
            return null;
        }
    }
}
