package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventJsonTest {
    private final ObjectMapper mapper = new ObjectMapper();
    private final EventJson json = new EventJson(mapper);

    @Test
    void aTicketSaysWhereTheJobStands() {
        assertThat(json.write(new Event.Ticket("01J", "default", 3L, 4200L)))
                .isEqualTo(
                        "{\"type\":\"ticket\",\"request_id\":\"01J\",\"model\":\"default\",\"position\":3,\"eta_ms\":4200}");
    }

    @Test
    void whatATicketDoesNotKnowIsLeftOut() {
        assertThat(json.write(new Event.Ticket("01J", "default", null, null)))
                .isEqualTo("{\"type\":\"ticket\",\"request_id\":\"01J\",\"model\":\"default\"}");
    }

    @Test
    void aPositionHasNoSeq() {
        assertThat(json.write(new Event.Position("01J", 2, 2800L)))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"01J\",\"position\":2,\"eta_ms\":2800}");
        assertThat(json.write(new Event.Position("01J", 2, null)))
                .isEqualTo("{\"type\":\"position\",\"request_id\":\"01J\",\"position\":2}");
    }

    @Test
    void aStartNamesAttemptAndWait() {
        assertThat(json.write(new Event.Start("01J", 1, 1, 812)))
                .isEqualTo("{\"type\":\"start\",\"request_id\":\"01J\",\"seq\":1,\"attempt\":1,\"queue_ms\":812}");
    }

    @Test
    void aTokenHasItsText() {
        assertThat(json.write(new Event.Token("01J", 2, "Salt")))
                .isEqualTo("{\"type\":\"token\",\"request_id\":\"01J\",\"seq\":2,\"content\":\"Salt\"}");
    }

    @Test
    void aRestartSaysWhetherTheTextGoesOn() {
        assertThat(json.write(new Event.Restart("01J", 9, 2, "continue")))
                .isEqualTo(
                        "{\"type\":\"restart\",\"request_id\":\"01J\",\"seq\":9,\"attempt\":2,\"mode\":\"continue\"}");
    }

    @Test
    void aCompleteHasCountsAndTimings() {
        assertThat(json.write(new Event.Complete(
                        "01J",
                        40,
                        "stop",
                        38,
                        new Event.Usage(12, 38),
                        2,
                        1,
                        new Event.Timings(
                                812L,
                                31L,
                                40.2,
                                90.1,
                                140L,
                                1960.0,
                                2100L,
                                19.4,
                                new Event.Overhead(3.4, 2.9, 38, 0.076)))))
                .isEqualTo("{\"type\":\"complete\",\"request_id\":\"01J\",\"seq\":40,\"finish_reason\":\"stop\","
                        + "\"token_count\":38,\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":38},"
                        + "\"attempts\":2,\"resumes\":1,"
                        + "\"timings\":{\"queue_ms\":812,\"requeue_ms\":31,\"load_ms\":40.2,"
                        + "\"prompt_eval_ms\":90.1,\"ttft_ms\":140,\"eval_ms\":1960.0,\"total_ms\":2100,"
                        + "\"tokens_per_second\":19.4,\"overhead\":{\"dispatch_ms\":3.4,\"relay_ms\":2.9,"
                        + "\"texts\":38,\"relay_mean_ms\":0.076}}}");
    }

    @Test
    void aCountThatIsNotKnownIsLeftOut() {
        assertThat(json.write(new Event.Complete(
                        "01J",
                        4,
                        "cancelled",
                        null,
                        null,
                        1,
                        0,
                        new Event.Timings(8L, null, null, null, null, null, 21L, null, null))))
                .isEqualTo("{\"type\":\"complete\",\"request_id\":\"01J\",\"seq\":4,\"finish_reason\":\"cancelled\","
                        + "\"attempts\":1,\"resumes\":0,\"timings\":{\"queue_ms\":8,\"total_ms\":21}}");
        assertThat(json.write(new Event.Complete("01J", 4, "stop", 3, new Event.Usage(null, 3), null, null, null)))
                .isEqualTo("{\"type\":\"complete\",\"request_id\":\"01J\",\"seq\":4,\"finish_reason\":\"stop\","
                        + "\"token_count\":3,\"usage\":{\"completion_tokens\":3}}");
    }

    @Test
    void anErrorThatAnswersAMessageHasNoSeq() {
        assertThat(json.write(Event.Error.answer(
                        "01J", "invalid_request", "max_tokens must be between 1 and 4096", "max_tokens")))
                .isEqualTo("{\"type\":\"error\",\"request_id\":\"01J\",\"code\":\"invalid_request\","
                        + "\"error\":\"max_tokens must be between 1 and 4096\",\"field\":\"max_tokens\"}");
        assertThat(json.write(Event.Error.answer(null, "invalid_request", "the message must be a JSON object", null)))
                .isEqualTo("{\"type\":\"error\",\"code\":\"invalid_request\","
                        + "\"error\":\"the message must be a JSON object\"}");
    }

    @Test
    void anErrorThatEndsAJobHasASeq() {
        assertThat(json.write(new Event.Error("01J", 9L, "engine_failed", "it broke", null, 500L)))
                .isEqualTo("{\"type\":\"error\",\"request_id\":\"01J\",\"seq\":9,\"code\":\"engine_failed\","
                        + "\"error\":\"it broke\",\"retry_after_ms\":500}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\"",
                "\\",
                "\\\"",
                "\u0000\u0001\u001f\u007f",
                "\b\f\n\r\t",
                "/</script>",
                "🌙 é — 日本",
                "\ud83c",
                "\udf19",
                "\udf19\ud83c",
                "\u2028\u2029\ufeff"
            })
    void anyTextComesBackFromATokensJson(String content) throws JsonProcessingException {
        roundTrip(1, content);
    }

    @Property(tries = 2000)
    void everyTextComesBackFromATokensJson(
            @ForAll @LongRange(min = 1) long seq, @ForAll @StringLength(max = 200) String content)
            throws JsonProcessingException {
        roundTrip(seq, content);
    }

    @Test
    void aFailureReportSaysWhatIsKnownAndLeavesOutTheRest() {
        assertThat(json.write(new FailureReport("engine_failed", "it broke", 3, 139, "boom\n", "worker-1", 5)))
                .isEqualTo("{\"code\":\"engine_failed\",\"error\":\"it broke\",\"attempts\":3,\"exit_code\":139,"
                        + "\"stderr\":\"boom\\n\",\"worker\":\"worker-1\",\"died_ms\":5}");
        assertThat(json.write(new FailureReport("engine_failed", "it broke", 3, null, null, null, 5)))
                .isEqualTo("{\"code\":\"engine_failed\",\"error\":\"it broke\",\"attempts\":3,\"died_ms\":5}");
    }

    private void roundTrip(long seq, String content) throws JsonProcessingException {
        Event.Token token = new Event.Token("aB3._:-", seq, content);
        String frame = json.write(token);
        JsonNode read = mapper.readTree(frame);
        assertThat(read.size()).isEqualTo(4);
        assertThat(read.get("type").textValue()).isEqualTo("token");
        assertThat(read.get("request_id").textValue()).isEqualTo("aB3._:-");
        assertThat(read.get("seq").longValue()).isEqualTo(seq);
        assertThat(read.get("content").textValue()).isEqualTo(content);
        assertThat(read)
                .as("the same as the mapper's own")
                .isEqualTo(mapper.readTree(mapper.writeValueAsString(token)));
        assertThat(frame)
                .as("one line: frames travel through line-based transports")
                .doesNotContain("\n", "\r");
    }
}
