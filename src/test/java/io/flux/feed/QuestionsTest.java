package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Refusal;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class QuestionsTest {
    private final Questions questions = new Questions(new ObjectMapper());

    private String message(String body, String input, String requestId) {
        return questions.message(body.getBytes(StandardCharsets.UTF_8), input, requestId);
    }

    @Test
    void aPromptIsAskedAsItIsUnderTheMessagesId() {
        assertThat(message(" Hello\n", "auto", "m-1"))
                .isEqualTo("{\"prompt\":\" Hello\\n\",\"request_id\":\"m-1\",\"on_disconnect\":\"finish\"}");
        assertThat(message("{not json", "prompt", ""))
                .isEqualTo("{\"prompt\":\"{not json\",\"on_disconnect\":\"finish\"}");
    }

    @Test
    void aRequestKeepsItsOwnIdAndIsFinishedWhoeverLeaves() {
        assertThat(message(" {\"prompt\":\"x\",\"request_id\":\"own\",\"on_disconnect\":\"cancel\"}", "auto", "m-1"))
                .isEqualTo("{\"prompt\":\"x\",\"request_id\":\"own\",\"on_disconnect\":\"finish\"}");
    }

    @Test
    void whatIsNoJsonObjectIsLeftForTheReaderToRefuse() {
        assertThat(message("{\"prompt\":", "request", "m-1")).isEqualTo("{\"prompt\":");
        assertThat(message("{\"prompt\":\"x\",\"prompt\":\"y\"}", "request", "m-1"))
                .isEqualTo("{\"prompt\":\"x\",\"prompt\":\"y\"}");
        assertThat(questions.complete("[]", "m", 1, "", "", "")).isEqualTo("[]");
    }

    @Test
    void anotherVerbAndBrokenTextAreRefused() {
        assertThatThrownBy(() -> message("{\"type\":\"cancel\",\"request_id\":\"x\"}", "auto", ""))
                .isInstanceOf(Refusal.class)
                .hasMessage("type must be generate");
        assertThatThrownBy(() -> questions.message(new byte[] {'a', (byte) 0xFF}, "auto", ""))
                .isInstanceOf(Refusal.class)
                .hasMessage("the message is not valid UTF-8");
        assertThatThrownBy(() -> message("x", "guess", ""))
                .hasMessage("input must be one of auto, prompt, request, not 'guess'");
    }

    @Test
    void settingsFillInOnlyWhatTheRequestLeavesOut() {
        assertThat(questions.complete("{\"prompt\":\"x\"}", "m", 7, "0.5", "5m", "low"))
                .isEqualTo("{\"prompt\":\"x\",\"model\":\"m\",\"max_tokens\":7,\"temperature\":0.5,"
                        + "\"timeout_ms\":300000,\"priority\":\"low\"}");
        String full = "{\"prompt\":\"x\",\"model\":\"n\",\"max_tokens\":1,\"temperature\":0.1,\"timeout_ms\":5,"
                + "\"priority\":\"high\"}";
        assertThat(questions.complete(full, "m", 7, "0.5", "5m", "low")).isEqualTo(full);
        assertThat(questions.complete("{\"prompt\":\"x\"}", "", 0, "", "", "")).isEqualTo("{\"prompt\":\"x\"}");
    }
}
