package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.LlamaServerAsker.Question;
import org.junit.jupiter.api.Test;

/** Answers as build 11669 writes them. */
class LlamaServerEventsTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final LlamaServerEvents events = events(Question.of("Hi"));

    @Test
    void theLastEventSaysHowItEnded() throws JsonProcessingException {
        assertThat(events.accept(
                        "{\"content\":\"Salt\",\"stop\":false,\"tokens_predicted\":1,\"tokens_evaluated\":12}"))
                .isEqualTo("Salt");
        assertThat(events.end()).isNull();
        assertThat(events.promptTokens()).isEqualTo(12);
        assertThat(events.completionTokens()).isEqualTo(1);
        assertThat(events.accept(last("eos"))).isEmpty();
        assertThat(events.end().finish()).isEqualTo(FinishReason.STOP);
        assertThat(events.end().promptTokens()).isEqualTo(12);
        assertThat(events.end().completionTokens()).isEqualTo(9);
        assertThat(events.end().times()).isEqualTo(new EngineTimes(null, 18.4, 61.25));
    }

    @Test
    void aLimitIsALength() throws JsonProcessingException {
        events.accept(last("limit"));
        assertThat(events.end().finish()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void anErrorInTheMiddleIsAFailedAttempt() throws JsonProcessingException {
        assertThat(events.accept("{\"error\":{\"code\":500,\"message\":\"Compute error.\",\"type\":\"server_error\"}}"))
                .isEmpty();
        assertThat(events.end().failure().code()).isEqualTo("engine_failed");
        assertThat(events.end().failure().retryable()).isTrue();
        assertThat(events.end().failure().message()).doesNotContain("Compute");
        assertThat(events.end().stderrTail()).contains("Compute error.");
    }

    @Test
    void whatIsNoEventIsNotUnderstood() {
        assertThatThrownBy(() -> events.accept("Salt")).isInstanceOf(JsonProcessingException.class);
    }

    @Test
    void aPromptThatIsTooLongSaysByHowMuch() {
        EngineFailure failure = events.refusal(
                400,
                """
                {"error":{"code":400,"message":"request (512 tokens) exceeds the available context size (512 tokens)",
                 "type":"exceed_context_size_error","n_prompt_tokens":512,"n_ctx":512}}""");
        assertThat(failure).isEqualTo(EngineFailure.promptTooLong(512, 511));
    }

    @Test
    void aTemplateThatDoesNotTakeTheMessagesSaysWhy() {
        EngineFailure failure = events.refusal(
                400, error("Unable to generate parser.\\nError: Jinja Exception: Roles must alternate\\nat line 1"));
        assertThat(failure.clientError()).isTrue();
        assertThat(failure.field()).isEqualTo("messages");
        assertThat(failure.message()).isEqualTo("the model's chat template does not take it: Roles must alternate");
    }

    @Test
    void aGrammarThatASchemaIsMadeIntoIsTheSchemasMatter() throws JsonProcessingException {
        LlamaServerEvents schema = events(Question.of("Hi").schema(MAPPER.readTree("{}")));
        assertThat(schema.refusal(400, error("failed to parse grammar")).field())
                .isEqualTo("json_schema");
        assertThat(events.refusal(400, error("failed to parse grammar")).field())
                .isNull();
    }

    @Test
    void anotherBadRequestIsTheClientsAndNoWordOfTheServersIsPassedOn() {
        EngineFailure failure = events.refusal(400, error("/secret/path is not right"));
        assertThat(failure).isEqualTo(EngineFailure.invalid(null, "the engine does not take the request"));
    }

    @Test
    void aServerThatLoadsIsNobodysFault() {
        assertThat(events.refusal(503, error("Loading model")).code()).isEqualTo("engine_unavailable");
    }

    @Test
    void otherStatusesAreTheServersFault() {
        for (int status : new int[] {401, 404, 500, 502}) {
            EngineFailure failure = events.refusal(status, "<html>");
            assertThat(failure.code()).isEqualTo("engine_failed");
            assertThat(failure.clientError()).isFalse();
            assertThat(failure.message()).isEqualTo("llama-server answered with HTTP status " + status);
        }
    }

    private static String error(String message) {
        return "{\"error\":{\"code\":400,\"message\":\"" + message + "\",\"type\":\"invalid_request_error\"}}";
    }

    private static String last(String stopType) {
        return "{\"content\":\"\",\"stop\":true,\"stop_type\":\"" + stopType
                + "\",\"tokens_predicted\":9,\"tokens_evaluated\":12,\"truncated\":false,\"timings\":{\"prompt_n\":12,"
                + "\"prompt_ms\":18.4,\"predicted_n\":9,\"predicted_ms\":61.25}}";
    }

    private static LlamaServerEvents events(Question question) {
        return new LlamaServerEvents(question.job(), MAPPER);
    }
}
