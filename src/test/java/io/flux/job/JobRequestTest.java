package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JobRequestTest {
    private final ObjectMapper mapper = new ObjectMapper();

    @Test
    void whatIsNotSaidIsNotInTheJson() throws JsonProcessingException {
        assertThat(mapper.writeValueAsString(minimal("a")))
                .isEqualTo(
                        "{\"model\":\"default\",\"prompt\":\"x\",\"max_tokens\":5,\"on_disconnect\":\"grace\",\"priority\":\"normal\"}");
    }

    @Test
    void everythingElseComesBackFromTheJson() throws JsonProcessingException {
        JobRequest full = new JobRequest(
                null,
                "m",
                null,
                List.of(new ChatMessage("user", ""), new ChatMessage("user", "Grüße 🌙\n\"\\")),
                5,
                0.0,
                0.9,
                0,
                0.05,
                0L,
                List.of("\n"),
                null,
                null,
                1L,
                OnDisconnect.CANCEL,
                null,
                null,
                false);
        assertThat(mapper.readValue(mapper.writeValueAsString(full), JobRequest.class))
                .isEqualTo(full);
        JobRequest minimal = minimal(null);
        assertThat(mapper.readValue(mapper.writeValueAsString(minimal), JobRequest.class))
                .isEqualTo(minimal);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"type\":\"object\",\"properties\":{\"b\":{},\"a\":{\"const\":\"\\n\\\"é🌙\"}}}"})
    void aSchemaComesBackFromTheJsonWithItsKeysInOrder(String schema) throws JsonProcessingException {
        JobRequest request = generate("{\"prompt\":\"x\",\"json_schema\":" + schema + "}");
        String json = mapper.writeValueAsString(request);
        assertThat(json).contains("\"json_schema\":" + schema);
        JobRequest back = mapper.readValue(json, JobRequest.class);
        assertThat(back.jsonSchema()).hasToString(schema);
        assertThat(back.isConstrained()).isTrue();
    }

    @Test
    void aGrammarComesBackFromTheJson() throws JsonProcessingException {
        JobRequest request = generate("{\"prompt\":\"x\",\"grammar\":\"root ::= \\\"é\\\\n\\\"\"}");
        assertThat(mapper.readValue(mapper.writeValueAsString(request), JobRequest.class)
                        .grammar())
                .isEqualTo("root ::= \"é\\n\"");
    }

    /** The order of a schema's properties is the order of the answer's. */
    @Test
    void schemasThatDifferInTheOrderOfTheirKeysAreDifferentJobs() throws JsonProcessingException {
        assertThat(mapper.writeValueAsString(generate("{\"prompt\":\"x\",\"json_schema\":{\"a\":1,\"b\":1}}")))
                .isNotEqualTo(
                        mapper.writeValueAsString(generate("{\"prompt\":\"x\",\"json_schema\":{\"b\":1,\"a\":1}}")));
    }

    @Test
    void aSchemaIsTheSameJobUnderEitherOfItsNames() throws JsonProcessingException {
        assertThat(mapper.writeValueAsString(generate("{\"prompt\":\"x\",\"json_schema\":{ \"type\" : \"object\" }}")))
                .isEqualTo(mapper.writeValueAsString(
                        generate("{\"prompt\":\"x\",\"response_format\":{\"type\":\"json_object\"}}")));
    }

    @Test
    void theIdIsNotPartOfTheJson() throws JsonProcessingException {
        assertThat(mapper.writeValueAsString(minimal("a")))
                .isEqualTo(mapper.writeValueAsString(minimal("b")))
                .doesNotContain("request");
    }

    @Test
    void twoMessagesThatSayTheSameGiveTheSameJson() throws JsonProcessingException {
        String one = json("{\"prompt\":\"x\",\"temperature\":1,\"max_tokens\":256}");
        String other = json(
                "{\"type\":\"generate\", \"temperature\":1.0, \"stop\":[], \"prompt\":\"\\u0078\", \"max_tokens\":256.0,"
                        + "\"on_disconnect\":\"grace\", \"extra\":1}");
        assertThat(other).isEqualTo(one);
    }

    private String json(String message) throws JsonProcessingException {
        return mapper.writeValueAsString(generate(message));
    }

    private JobRequest generate(String message) {
        MessageReader reader = new MessageReader(mapper, 1024, new RequestIds());
        return ((ClientMessage.Generate) reader.read(message, "")).request();
    }

    @Test
    void theSameRequestAsAnotherJobDiffersInItsIdAndInWhatBecomesOfItUnfollowed() throws JsonProcessingException {
        JobRequest full = new JobRequest(
                "a",
                "m",
                "x",
                null,
                5,
                0.0,
                0.9,
                0,
                0.05,
                0L,
                List.of("\n"),
                null,
                null,
                1L,
                OnDisconnect.CANCEL,
                null,
                null,
                false);
        JobRequest again = full.as("b", OnDisconnect.FINISH);
        assertThat(again.requestId()).isEqualTo("b");
        assertThat(mapper.writeValueAsString(again))
                .isEqualTo(mapper.writeValueAsString(full)
                        .replace("\"on_disconnect\":\"cancel\"", "\"on_disconnect\":\"finish\""));
    }

    @Test
    void aTimeoutIsADurationAndNoneIsNone() {
        assertThat(minimal("a").timeout()).isNull();
        assertThat(Requests.prompt("a", "m", "x", 5, 1500L, null).timeout()).isEqualTo(Duration.ofMillis(1500));
    }

    @Test
    void whatBecomesOfAJobUnfollowedHasTheNamesOfTheWire() throws JsonProcessingException {
        for (OnDisconnect value : OnDisconnect.values()) {
            assertThat(mapper.writeValueAsString(value)).isEqualTo("\"" + value.wireName() + "\"");
        }
    }

    @Test
    void itsListsAreItsOwn() {
        List<String> stops = new ArrayList<>(List.of("a"));
        JobRequest request = new JobRequest(
                "a", "m", "x", null, 5, null, null, null, null, null, stops, null, null, null, null, null, null, false);
        stops.add("b");
        assertThat(request.stop()).containsExactly("a");
        assertThatThrownBy(() -> request.stop().add("c")).isInstanceOf(UnsupportedOperationException.class);
    }

    private static JobRequest minimal(String id) {
        return Requests.prompt(id, "default", "x", 5);
    }
}
