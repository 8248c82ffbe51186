package io.flux.openai;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.Rendition;
import io.flux.job.MessageReader;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A job's events, and what clients of OpenAI's API see of them. */
class AnswersTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private static final String TICKET =
            "{\"type\":\"ticket\",\"request_id\":\"r1\",\"model\":\"m\",\"position\":1,\"eta_ms\":900}";
    private static final String START = "{\"type\":\"start\",\"request_id\":\"r1\",\"seq\":1,\"attempt\":1}";
    private static final String STOPPED = "{\"type\":\"complete\",\"request_id\":\"r1\",\"seq\":9,"
            + "\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}";
    private static final String UNCOUNTED =
            "{\"type\":\"complete\",\"request_id\":\"r1\",\"seq\":9,\"finish_reason\":\"length\"}";

    private final Requests requests = new Requests(
            new MessageReader(JSON, 16 * 1024, () -> "r1"),
            JSON,
            Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC),
            () -> 4096);
    private final RecordedAnswer answer = new RecordedAnswer();

    @Test
    void aStreamIsARoleTheTextAReasonAndDone() {
        show(chat("\"stream\":true"), TICKET, START, token(2, "Salt"), token(3, " \\\"and\\\"\\n"), STOPPED);
        assertThat(answer.status).isEqualTo(200);
        assertThat(answer.headers).containsEntry("Content-Type", "text/event-stream");
        assertThat(answer.ended).isTrue();
        String head = "data: {\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                + "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":";
        assertThat(answer.body())
                .isEqualTo(head
                        + "{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                        + head + "{\"content\":\"Salt\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                        + head + "{\"content\":\" \\\"and\\\"\\n\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                        + head + "{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void aStreamOfACompletionHasTexts() {
        show(completion("\"stream\":true"), TICKET, START, token(2, "Salt"), UNCOUNTED);
        String head = "data: {\"id\":\"cmpl-r1\",\"object\":\"text_completion\",\"created\":1700000000,"
                + "\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":";
        assertThat(answer.body())
                .isEqualTo(head + "\"\",\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                        + head + "\"Salt\",\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                        + head + "\"\",\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void whoAsksForTheUsageGetsItInAChunkOfItsOwn() throws Exception {
        String asked = "\"stream\":true,\"stream_options\":{\"include_usage\":true}";
        show(chat(asked), TICKET, START, token(2, "Salt"), STOPPED);
        String[] chunks = answer.body().split("\n\n");
        assertThat(chunk(chunks[1]).path("usage").isNull()).isTrue();
        JsonNode last = chunk(chunks[chunks.length - 2]);
        assertThat(last.path("choices")).isEmpty();
        assertThat(last.path("usage"))
                .isEqualTo(JSON.readTree("{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}"));
    }

    @Test
    void aUsageThatIsNotKnownIsNotMadeUp() throws Exception {
        String asked = "\"stream\":true,\"stream_options\":{\"include_usage\":true}";
        show(chat(asked), TICKET, START, token(2, "Salt"), UNCOUNTED);
        String[] chunks = answer.body().split("\n\n");
        assertThat(chunk(chunks[chunks.length - 2]).path("usage").isNull()).isTrue();
    }

    @Test
    void anEmptyAnswerIsAStreamToo() {
        show(chat("\"stream\":true"), TICKET, START, STOPPED);
        assertThat(answer.body()).contains("\"role\":\"assistant\"").endsWith("data: [DONE]\n\n");
    }

    @Test
    void thePlaceInTheQueueIsAComment() {
        Rendition stream = chat("\"stream\":true");
        show(stream, "{\"type\":\"ticket\",\"request_id\":\"r1\",\"model\":\"m\",\"position\":3,\"eta_ms\":900}");
        assertThat(answer.body()).isEqualTo(": position 3, eta_ms 900\n");
        show(stream, "{\"type\":\"position\",\"request_id\":\"r1\",\"position\":1}");
        assertThat(answer.body()).endsWith("\n: position 1\n");
        stream.heartbeat(answer);
        assertThat(answer.body()).endsWith("\n: position 1\n: position 1\n");
        show(stream, START);
        stream.heartbeat(answer);
        assertThat(answer.body()).endsWith("\n:\n");
    }

    @Test
    void whoIsNextHearsOfItWhenItTakesAWhile() {
        Rendition stream = chat("\"stream\":true");
        show(stream, TICKET);
        assertThat(answer.hasHead()).isFalse();
        stream.heartbeat(answer);
        assertThat(answer.body()).isEqualTo(": position 1, eta_ms 900\n");
    }

    @Test
    void aRefusalOfTheEnginesBeforeAnyTextIsAStatus() throws Exception {
        show(chat("\"stream\":true"), TICKET, START, error(2, "prompt_too_long", "prompt is too long", "prompt"));
        assertThat(answer.status).isEqualTo(400);
        assertThat(answer.headers).containsEntry("Content-Type", "application/json");
        assertThat(JSON.readTree(answer.body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"error":{"message":"messages is too long","type":"invalid_request_error","param":"messages",
                                 "code":"context_length_exceeded"}}"""));
    }

    @Test
    void anErrorAfterTextIsAnEventAndNoReasonToFinish() {
        show(
                chat("\"stream\":true"),
                TICKET,
                START,
                token(2, "Salt"),
                error(3, "engine_failed", "the engine failed", null));
        assertThat(answer.status).isEqualTo(200);
        assertThat(answer.body())
                .endsWith(
                        "data: {\"error\":{\"message\":\"the engine failed\",\"type\":\"server_error\",\"param\":null,"
                                + "\"code\":\"engine_failed\"}}\n\n")
                .doesNotContain("[DONE]");
        assertThat(answer.ended).isTrue();
    }

    @Test
    void textThatWasShownIsNeverFollowedByAnotherAnswer() {
        show(chat("\"stream\":true"), TICKET, START, token(2, "Salt"), restart(3, "reset"));
        assertThat(answer.body()).endsWith("\"code\":\"answer_lost\"}}\n\n");
        assertThat(answer.ended).isTrue();
    }

    @Test
    void aRestartThatNobodyCanSeeIsNotSeen() {
        show(
                chat("\"stream\":true"),
                TICKET,
                START,
                restart(2, "reset"),
                token(3, "Salt"),
                restart(4, "continue"),
                token(5, " and"),
                STOPPED);
        assertThat(answer.body())
                .contains("\"content\":\"Salt\"", "\"content\":\" and\"", "[DONE]")
                .doesNotContain("error");
    }

    @Test
    void aWholeAnswerIsOneBody() throws Exception {
        show(
                chat(""),
                TICKET,
                START,
                token(2, "Lost"),
                restart(3, "reset"),
                token(4, "Salt"),
                token(5, " and"),
                STOPPED);
        assertThat(answer.status).isEqualTo(200);
        assertThat(answer.ended).isTrue();
        assertThat(JSON.readTree(answer.body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"id":"chatcmpl-r1","object":"chat.completion","created":1700000000,"model":"m",
                                 "choices":[{"index":0,"message":{"role":"assistant","content":"Salt and","refusal":null},
                                   "logprobs":null,"finish_reason":"stop"}],
                                 "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"""));
    }

    @Test
    void aWholeCompletionIsOneBody() throws Exception {
        show(completion(""), TICKET, START, token(2, "Salt"), UNCOUNTED);
        assertThat(JSON.readTree(answer.body()))
                .isEqualTo(
                        JSON.readTree(
                                """
                                {"id":"cmpl-r1","object":"text_completion","created":1700000000,"model":"m",
                                 "choices":[{"index":0,"text":"Salt","logprobs":null,"finish_reason":"length"}]}"""));
    }

    @ParameterizedTest
    @CsvSource({"cancelled,409", "deadline,504"})
    void anAnswerThatWasCutOffIsAnError(String reason, int status) {
        String end = UNCOUNTED.replace("length", reason);
        show(chat(""), TICKET, START, token(2, "Salt"), end);
        assertThat(answer.status).isEqualTo(status);
        assertThat(answer.body()).contains("\"code\":\"" + reason + "\"");
        assertThat(answer.headers).containsEntry("x-should-retry", "false");
        RecordedAnswer streamed = new RecordedAnswer();
        Rendition stream = chat("\"stream\":true");
        stream.event(TICKET, streamed);
        stream.event(token(2, "Salt"), streamed);
        stream.event(end, streamed);
        assertThat(streamed.body()).contains("\"code\":\"" + reason + "\"").doesNotContain("[DONE]");
    }

    @ParameterizedTest
    @CsvSource({
        "invalid_request,400,invalid_request_error,invalid_request,false",
        "unauthorized,401,authentication_error,invalid_api_key,false",
        "forbidden,403,permission_error,forbidden,false",
        "not_found,404,invalid_request_error,model_not_found,false",
        "conflict,409,invalid_request_error,conflict,false",
        "overloaded,429,rate_limit_error,overloaded,",
        "rate_limited,429,rate_limit_error,rate_limited,",
        "too_many_jobs,429,rate_limit_error,too_many_jobs,",
        "engine_failed,500,server_error,engine_failed,false",
        "internal_error,500,server_error,internal_error,",
        "unavailable,503,server_error,unavailable,"
    })
    void anErrorHasOpenAisStatusTypeAndCode(String code, int status, String type, String theirs, String retry)
            throws Exception {
        String frame = "{\"type\":\"error\",\"code\":\"" + code
                + "\",\"error\":\"why\",\"field\":\"model\",\"retry_after_ms\":1001}";
        show(chat("\"stream\":true"), frame);
        assertThat(answer.status).isEqualTo(status);
        JsonNode error = JSON.readTree(answer.body()).path("error");
        assertThat(error.path("type").asText()).isEqualTo(type);
        assertThat(error.path("code").asText()).isEqualTo(theirs);
        assertThat(error.path("param").asText()).isEqualTo("model");
        assertThat(answer.headers).containsEntry("Retry-After", "2");
        assertThat(answer.headers.get("x-should-retry")).isEqualTo(retry);
    }

    @Test
    void whoIsTooManyAlwaysHearsWhenToComeAgain() {
        show(chat(""), error(0, "overloaded", "too many", null));
        assertThat(answer.headers).containsEntry("Retry-After", "1");
    }

    @Test
    void anErrorNamesTheFieldThatTheClientNamed() throws Exception {
        show(
                chat("\"max_completion_tokens\":99999"),
                error(0, "invalid_request", "max_tokens must be between 1 and 4096", "max_tokens"));
        JsonNode error = JSON.readTree(answer.body()).path("error");
        assertThat(error.path("param").asText()).isEqualTo("max_completion_tokens");
        assertThat(error.path("message").asText()).isEqualTo("max_completion_tokens must be between 1 and 4096");
    }

    @Test
    void aGatewayThatStopsSaysSo() {
        Rendition stream = chat("\"stream\":true");
        show(stream, TICKET, START, token(2, "Salt"));
        stream.interrupted(answer);
        assertThat(answer.body()).endsWith("\"code\":\"unavailable\"}}\n\n");
        RecordedAnswer whole = new RecordedAnswer();
        chat("").interrupted(whole);
        assertThat(whole.status).isEqualTo(503);
        assertThat(whole.headers).containsEntry("Retry-After", "1");
    }

    private Rendition chat(String more) {
        String body = "{" + HI + (more.isEmpty() ? "" : "," + more) + "}";
        return requests.chat(body, null, "").answer().get();
    }

    private Rendition completion(String more) {
        String body = "{\"prompt\":\"Once\"" + (more.isEmpty() ? "" : "," + more) + "}";
        return requests.completion(body, null, "").answer().get();
    }

    private void show(Rendition rendition, String... frames) {
        for (String frame : frames) {
            rendition.event(frame, answer);
        }
    }

    private static String token(int seq, String content) {
        return "{\"type\":\"token\",\"request_id\":\"r1\",\"seq\":" + seq + ",\"content\":\"" + content + "\"}";
    }

    private static String restart(int seq, String mode) {
        return "{\"type\":\"restart\",\"request_id\":\"r1\",\"seq\":" + seq + ",\"attempt\":2,\"mode\":\"" + mode
                + "\"}";
    }

    private static String error(int seq, String code, String message, String field) {
        return "{\"type\":\"error\",\"request_id\":\"r1\"," + (seq == 0 ? "" : "\"seq\":" + seq + ",") + "\"code\":\""
                + code + "\",\"error\":\"" + message + "\""
                + (field == null ? "" : ",\"field\":\"" + field + "\"") + "}";
    }

    private static JsonNode chunk(String event) throws JsonProcessingException {
        assertThat(event).startsWith("data: ");
        return JSON.readTree(event.substring("data: ".length()));
    }
}
