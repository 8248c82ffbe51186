package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MessageIdsTest {
    private final MessageIds ids = new MessageIds();

    @Test
    void theSameMessageHasTheSameIdAndAnotherOneHasAnother() {
        assertThat(ids.of("file", "a.txt", 3, 1000L)).isEqualTo(ids.of("file", "a.txt", 3, 1000L));
        assertThat(ids.of("file", "a.txt", 3, 1000L))
                .isNotEqualTo(ids.of("file", "a.txt", 3, 1001L))
                .isNotEqualTo(ids.of("jms", "a.txt", 3, 1000L));
        assertThat(ids.of("file", "ä")).isNotEqualTo(ids.of("file", "ö"));
    }

    @Test
    void anyNameMakesAnIdThatARequestMayHave() {
        for (String name : new String[] {"", "../x y@z\n", "ID:1-2", "n".repeat(500), "日本"}) {
            assertThat(ids.of("file", name)).matches("[A-Za-z0-9._:-]{1,128}");
        }
    }

    @Test
    void messagesWithoutANameAreNotTheSame() {
        assertThat(ids.of("jms", null)).matches("jms:unnamed:[a-f0-9-]{36}").isNotEqualTo(ids.of("jms", null));
    }
}
