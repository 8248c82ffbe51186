package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventIteratorTest {
    private final List<String> detached = new ArrayList<>();
    private final EventIterator events = new EventIterator(new ObjectMapper(), detached::add);

    @Test
    void eachEventComesOnceAndTheLastOneEndsItAndTheFollowing() {
        events.send("{\"type\":\"token\",\"seq\":2,\"content\":\"a\"}");
        assertThat(events.hasNext()).isTrue();
        assertThat(events.next()).containsEntry("content", "a").containsEntry("seq", 2);
        assertThat(events.hasNext()).as("the last event is still to come").isTrue();
        events.send("{\"type\":\"complete\",\"seq\":3}");
        assertThat(events.next()).containsEntry("type", "complete");
        assertThat(events.hasNext()).isFalse();
        events.close();
        assertThat(detached).containsExactly(events.key());
    }

    @Test
    void whoDoesNotTakeThemIsBehindAndIsServedAgainWhenAllAreTaken() {
        List<String> served = new ArrayList<>();
        events.whenCaughtUp(() -> served.add("at once"));
        for (int i = 0; i < 1000; i++) {
            assertThat(events.isBehind()).isFalse();
            events.send("{\"type\":\"token\"}");
        }
        assertThat(events.isBehind()).isTrue();
        events.whenCaughtUp(() -> served.add("later"));
        for (int i = 0; i < 1000; i++) {
            assertThat(served).containsExactly("at once");
            events.next();
        }
        assertThat(served).containsExactly("at once", "later");
    }

    @Test
    void whoWaitsHearsThatTheProcessEnds() {
        events.close(1012, "restarting");
        assertThatThrownBy(events::next).hasMessage("this process does not follow the job any more");
        assertThat(events.hasNext()).isFalse();
    }
}
