package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class AnswerTest {
    private final Answer answer = new Answer(new ObjectMapper());

    private void add(String event) {
        answer.add(event.replace('\'', '"'));
    }

    @Test
    void itsTextIsWhatTheTokensSay() {
        add("{'type':'ticket','request_id':'a','model':'m'}");
        add("{'type':'start','request_id':'a','seq':1,'attempt':1,'queue_ms':3}");
        add("{'type':'token','request_id':'a','seq':2,'content':'Salt'}");
        add("{'type':'restart','request_id':'a','seq':3,'attempt':2,'mode':'continue'}");
        add("{'type':'token','request_id':'a','seq':4,'content':' wind'}");
        assertThat(answer.text()).isEqualTo("Salt wind");
        assertThat(answer.last()).isNull();
        add("{'type':'complete','request_id':'a','seq':5,'finish_reason':'stop'}");
        assertThat(answer.last().path("finish_reason").asText()).isEqualTo("stop");
        assertThat(answer.started().path("queue_ms").asInt()).isEqualTo(3);
        assertThat(answer.pieces()).isEqualTo(2);
    }

    @Test
    void aRestartThatResetsTakesBackWhatCameBefore() {
        add("{'type':'token','request_id':'a','seq':2,'content':'Salt'}");
        add("{'type':'restart','request_id':'a','seq':3,'attempt':2,'mode':'reset'}");
        add("{'type':'token','request_id':'a','seq':4,'content':'Wind'}");
        assertThat(answer.text()).isEqualTo("Wind");
        assertThat(answer.pieces()).isEqualTo(1);
    }

    @Test
    void whatIsNoEventIsSaidToBeNone() {
        assertThatThrownBy(() -> answer.add("{")).hasMessageContaining("not an event");
    }
}
