package io.flux.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What the clients of a bench find wrong. One that finds nothing proves nothing. */
class StoryStreamTest {
    private static final String TICKET = "{\"type\":\"ticket\",\"request_id\":\"a\",\"position\":1}";

    private final StoryStream stream = new StoryStream(new Story(3, 10));

    @Test
    void anAnswerThatComesOnceInOrderAndEndsIsExact() {
        receive(TICKET, start(1), token(2, "1 2"), token(3, " 3 "), complete(4));
        assertThat(stream.problem()).isNull();
        assertThat(stream.isOver()).isTrue();
    }

    @Test
    void anAnswerThatGoesOnInAnotherWorkerIsExactWhenNothingIsLost() {
        receive(start(1), token(2, "1 "), restart(3, "continue"), token(4, "2 3 "), complete(5));
        assertThat(stream.problem()).isNull();
        assertThat(stream.restarts()).isEqualTo(1);
    }

    @Test
    void aTokenThatIsMissingIsFound() {
        receive(start(1), token(2, "1 "), token(3, "3 "), complete(4));
        assertThat(stream.problem()).contains("'3 ' came after 2 characters");
    }

    @Test
    void aTokenThatIsRepeatedIsFound() {
        receive(start(1), token(2, "1 "), token(3, "1 "), token(4, "2 3 "), complete(5));
        assertThat(stream.problem()).contains("'1 ' came after 2 characters");
    }

    @Test
    void anEventThatIsMissingIsFound() {
        receive(start(1), token(3, "1 2 3 "), complete(4));
        assertThat(stream.problem()).contains("event 3 came where 2 was to come");
    }

    @Test
    void anAnswerThatEndsTooEarlyIsFound() {
        receive(start(1), token(2, "1 2 "), complete(3));
        assertThat(stream.problem()).contains("4 of 6 characters came");
    }

    @Test
    void anAnswerThatIsRefusedOrDoesNotEndIsFound() {
        receive(TICKET);
        assertThat(stream.problem()).contains("did not end");
        receive("{\"type\":\"error\",\"code\":\"overloaded\",\"error\":\"full\"}");
        assertThat(stream.problem()).contains("overloaded");
    }

    @Test
    void anAnswerThatBeginsAnewIsFound() {
        receive(start(1), token(2, "1 "), restart(3, "reset"), token(4, "1 2 3 "), complete(5));
        assertThat(stream.problem()).contains("began anew");
    }

    @Test
    void aConnectionThatIsLostIsFoundUnlessTheAnswerWasThere() {
        receive(start(1), token(2, "1 2 3 "), complete(3));
        stream.lost();
        assertThat(stream.problem()).isNull();
        StoryStream other = new StoryStream(new Story(3, 10));
        other.lost();
        assertThat(other.problem()).contains("the connection was lost");
    }

    @Test
    void aStoryKnowsItsPromptWithWhatIsWrittenBehindIt() {
        Story story = new Story(12, 5);
        assertThat(Story.asked(story.prompt() + "1 2 3")).isEqualTo(new Story.Asked(story, "1 2 3"));
        assertThat(story.text()).isEqualTo("1 2 3 4 5 6 7 8 9 10 11 12 ");
        assertThatThrownBy(() -> Story.asked("Sing!")).hasMessageContaining("Count to");
    }

    private void receive(String... frames) {
        for (String frame : frames) {
            stream.received(frame);
        }
    }

    private static String start(int seq) {
        return "{\"type\":\"start\",\"seq\":" + seq + ",\"attempt\":1}";
    }

    private static String token(int seq, String content) {
        return "{\"type\":\"token\",\"seq\":" + seq + ",\"content\":\"" + content + "\"}";
    }

    private static String restart(int seq, String mode) {
        return "{\"type\":\"restart\",\"seq\":" + seq + ",\"attempt\":2,\"mode\":\"" + mode + "\"}";
    }

    private static String complete(int seq) {
        return "{\"type\":\"complete\",\"seq\":" + seq + ",\"finish_reason\":\"stop\"}";
    }
}
