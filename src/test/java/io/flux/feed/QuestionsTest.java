package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.job.MessageReader;
import io.flux.job.Refusal;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuestionsTest {
    private final Questions questions =
            new Questions(new MessageReader(new ObjectMapper(), 1024, () -> "made"), new ObjectMapper());

    private String message(String body, String input, String requestId) {
        return questions
                .message(body.getBytes(StandardCharsets.UTF_8), input, requestId)
                .toString();
    }

    private String complete(String message, int maxTokens, String temperature, String timeout, String priority)
            throws IOException {
        ObjectNode node = (ObjectNode) new ObjectMapper().readTree(message);
        return questions
                .complete(node, maxTokens > 0 ? "m" : "", maxTokens, temperature, timeout, priority)
                .toString();
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
    void whatIsNoJsonObjectIsRefusedAsAtEveryDoor() {
        assertThatThrownBy(() -> message("{\"prompt\":", "request", "m-1"))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("the message is not valid JSON");
        assertThatThrownBy(() -> message("{\"prompt\":\"x\",\"prompt\":\"y\"}", "request", "m-1"))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("the message is not valid JSON");
        assertThatThrownBy(() -> message("[]", "request", "m-1"))
                .isInstanceOf(Refusal.class)
                .hasMessage("the message must be a JSON object");
        assertThatThrownBy(() -> message("x".repeat(1024), "prompt", "m-1"))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("the message must be at most 1024 bytes");
    }

    @Test
    void anotherVerbAndBrokenTextAreRefused() {
        assertThatThrownBy(() -> message("{\"type\":\"cancel\",\"request_id\":\"x\"}", "auto", ""))
                .isInstanceOf(Refusal.class)
                .hasMessage("type must be generate");
        assertThatThrownBy(() -> questions.message(new byte[] {'a', (byte) 0xFF}, "auto", ""))
                .isInstanceOf(Refusal.class)
                .hasMessage("the message is not text in UTF-8: byte 0xFF at line 1, column 2 is not UTF-8");
        assertThatThrownBy(() -> message("x", "guess", ""))
                .hasMessage("input must be one of auto, prompt, request, not 'guess'");
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheQuestion() {
        assertThat(message("\uFEFFHello", "prompt", "m-1"))
                .isEqualTo("{\"prompt\":\"Hello\",\"request_id\":\"m-1\",\"on_disconnect\":\"finish\"}");
        assertThat(message("\uFEFF {\"prompt\":\"x\"}", "auto", "m-1"))
                .isEqualTo("{\"prompt\":\"x\",\"request_id\":\"m-1\",\"on_disconnect\":\"finish\"}");
        assertThat(message("\uFEFF", "auto", "m-1"))
                .isEqualTo("{\"prompt\":\"\",\"request_id\":\"m-1\",\"on_disconnect\":\"finish\"}");
        for (Charset charset : List.of(StandardCharsets.UTF_16, StandardCharsets.UTF_16LE)) {
            assertThatThrownBy(() -> questions.message("{\"prompt\":\"x\"}".getBytes(charset), "auto", ""))
                    .isInstanceOf(Refusal.class)
                    .hasMessage("the message is not text in UTF-8: it is UTF-16 or UTF-32, and must be UTF-8");
        }
    }

    @Test
    void settingsFillInOnlyWhatTheRequestLeavesOut() throws IOException {
        assertThat(complete("{\"prompt\":\"x\"}", 7, "0.5", "5m", "low"))
                .isEqualTo("{\"prompt\":\"x\",\"model\":\"m\",\"max_tokens\":7,\"temperature\":0.5,"
                        + "\"timeout_ms\":300000,\"priority\":\"low\"}");
        String full = "{\"prompt\":\"x\",\"model\":\"n\",\"max_tokens\":1,\"temperature\":0.1,\"timeout_ms\":5,"
                + "\"priority\":\"high\"}";
        assertThat(complete(full, 7, "0.5", "5m", "low")).isEqualTo(full);
        assertThat(complete("{\"prompt\":\"x\"}", 0, "", "", "")).isEqualTo("{\"prompt\":\"x\"}");
    }
}
