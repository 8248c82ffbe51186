package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class TailBufferTest {
    @Property
    void itKeepsTheEndOfWhatWasWritten(
            @ForAll @AlphaChars @StringLength(max = 200) String text,
            @ForAll @IntRange(min = 1, max = 40) int capacity,
            @ForAll @IntRange(min = 1, max = 60) int step) {
        TailBuffer tail = new TailBuffer(capacity);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int from = 0; from < bytes.length; from += step) {
            byte[] part = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + step));
            tail.write(part, part.length);
        }
        assertThat(tail.text()).isEqualTo(text.substring(Math.max(0, text.length() - capacity)));
    }

    @Test
    void itBeginsWithAWholeCharacter() {
        byte[] bytes = "🌙🌙ab".getBytes(StandardCharsets.UTF_8);
        for (int capacity = 1; capacity <= bytes.length; capacity++) {
            TailBuffer tail = new TailBuffer(capacity);
            tail.write(bytes, bytes.length);
            assertThat("🌙🌙ab").endsWith(tail.text());
        }
    }
}
