package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JournalEntryTest {

    @Test
    void aPublishedEventIsRead() {
        assertThat(JournalEntry.published("a.b_c:d-e 17 . {\"content\":\"one two ! three\"}"))
                .isEqualTo(new JournalEntry("a.b_c:d-e", 17, false, "{\"content\":\"one two ! three\"}"));
    }

    @Test
    void theLastEventIsMarked() {
        assertThat(JournalEntry.published("id 3 ! {}").last()).isTrue();
        assertThat(JournalEntry.published("id 3 . {}").last()).isFalse();
    }

    @Property(tries = 500)
    void everyFrameIsReadAsItIs(@ForAll @LongRange(min = 1) long seq, @ForAll boolean last, @ForAll String frame) {
        assertThat(JournalEntry.published("id " + seq + (last ? " ! " : " . ") + frame))
                .isEqualTo(new JournalEntry("id", seq, last, frame));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "id", "id 1", "id 1 .", "{\"content\":1}", "id x . {}", "id 1.5 . {}"})
    void whatIsNoEventIsRefused(String message) {
        assertThatThrownBy(() -> JournalEntry.published(message)).isInstanceOf(IllegalArgumentException.class);
    }
}
