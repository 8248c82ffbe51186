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
        receive(TICKET, start(1), token(2, " 0001 00"), token(3, "02 0003"), complete(4));
        assertThat(stream.problem()).isNull();
        assertThat(stream.isOver()).isTrue();
    }

    @Test
    void anAnswerThatGoesOnInAnotherWorkerIsExactWhenNothingIsLost() {
        receive(start(1), token(2, " 0001"), restart(3, "continue"), token(4, " 0002 0003"), complete(5));
        assertThat(stream.problem()).isNull();
        assertThat(stream.restarts()).isEqualTo(1);
    }

    @Test
    void aTokenThatIsMissingIsFound() {
        receive(start(1), token(2, " 0001"), token(3, " 0003"), complete(4));
        assertThat(stream.problem()).contains("' 0003' came after 5 characters");
    }

    @Test
    void aTokenThatIsRepeatedIsFound() {
        receive(start(1), token(2, " 0001"), token(3, " 0001"), token(4, " 0002 0003"), complete(5));
        assertThat(stream.problem()).contains("' 0001' came after 5 characters");
    }

    @Test
    void anEventThatIsMissingIsFound() {
        receive(start(1), token(3, " 0001 0002 0003"), complete(4));
        assertThat(stream.problem()).contains("event 3 came where 2 was to come");
    }

    @Test
    void anAnswerThatEndsTooEarlyIsFound() {
        receive(start(1), token(2, " 0001 0002"), complete(3));
        assertThat(stream.problem()).contains("it ended after 10 characters");
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
        receive(start(1), token(2, " 0001"), restart(3, "reset"), token(4, " 0001 0002 0003"), complete(5));
        assertThat(stream.problem()).contains("began anew");
    }

    @Test
    void aConnectionThatIsLostIsFoundUnlessTheAnswerWasThere() {
        receive(start(1), token(2, " 0001 0002 0003"), complete(3));
        stream.lost();
        assertThat(stream.problem()).isNull();
        StoryStream other = new StoryStream(new Story(3, 10));
        other.lost();
        assertThat(other.problem()).contains("the connection was lost");
    }

    @Test
    void aStoryKnowsItsPromptWithWhatIsWrittenBehindIt() {
        Story story = new Story(12, 5, "a-1");
        assertThat(Story.asked(story.prompt() + " 0001 00")).isEqualTo(new Story.Asked(story, " 0001 00"));
        assertThat(Story.asked(new Story(12, 0).prompt())).isEqualTo(new Story.Asked(new Story(12, 0), ""));
        assertThatThrownBy(() -> Story.asked("Sing!")).hasMessageContaining("Count to");
        assertThatThrownBy(() -> Story.asked(story.prompt() + " 0002")).hasMessageContaining("no part of this story");
    }

    @Test
    void aStoryCountsToTheBaseOfThirtySix() {
        StringBuilder text = new StringBuilder();
        for (int position = 0; position < 40 * Story.TOKEN; position++) {
            text.append(Story.character(position));
        }
        assertThat(text)
                .startsWith(" 0001 0002")
                .contains(" 0009 000a")
                .contains(" 000z 0010")
                .endsWith(" 0014");
        assertThat(new Story(40, 5).goesOn(0, text.toString())).isTrue();
        assertThat(new Story(39, 5).goesOn(0, text.toString())).isFalse();
    }

    @Test
    void eachPieceIsKeptWithItsTimeAndItsBytesOnTheWire() {
        long begin = System.nanoTime();
        receive(TICKET, start(1), token(2, " 0001"), token(3, " 0002 0003"), complete(4));
        assertThat(stream.arrivals()).extracting(StoryStream.Arrival::position).containsExactly(5, 15);
        assertThat(stream.arrivals())
                .extracting(StoryStream.Arrival::bytes)
                .containsExactly(
                        token(2, " 0001").length() + 2, token(3, " 0002 0003").length() + 2);
        assertThat(stream.arrivals()).allMatch(arrival -> arrival.nanos() >= begin);
        assertThat(stream.id()).isEqualTo("a");
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
