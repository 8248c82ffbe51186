package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.dao.QueryTimeoutException;

class ErrorReplyTest {
    private final ErrorReply errors = new ErrorReply(new EventJson(new ObjectMapper()));

    @Test
    void aRefusalIsToldInItsOwnWordsHoweverDeepItIsWrapped() {
        Refusal refusal = new Refusal(Event.Error.answer("a", "invalid_request", "no", "prompt"));
        String frame =
                "{\"type\":\"error\",\"request_id\":\"a\",\"code\":\"invalid_request\",\"error\":\"no\",\"field\":\"prompt\"}";
        assertThat(errors.frame(refusal, "other")).isEqualTo(frame);
        assertThat(errors.frame(new RuntimeException(new IllegalStateException(refusal)), null))
                .isEqualTo(frame);
    }

    @Test
    void aRedisThatDoesNotAnswerIsUnavailableWithATimeToComeBack() {
        assertThat(errors.frame(new RuntimeException(new QueryTimeoutException("secret host 10.0.0.1")), "a"))
                .isEqualTo("{\"type\":\"error\",\"request_id\":\"a\",\"code\":\"unavailable\","
                        + "\"error\":\"the queue cannot be reached now; try again later\",\"retry_after_ms\":1000}");
    }

    @Test
    void ofAnythingElseAClientHearsNoDetails() {
        assertThat(errors.frame(new IllegalArgumentException("/secret/path"), null))
                .isEqualTo(
                        "{\"type\":\"error\",\"code\":\"internal_error\",\"error\":\"something went wrong in Flux\"}");
    }

    @ParameterizedTest
    @CsvSource({
        "not_found, 404",
        "conflict, 409",
        "overloaded, 429",
        "too_many_jobs, 429",
        "invalid_request, 400",
        "already_finished, 409",
        "prompt_too_long, 400",
        "unauthorized, 401",
        "forbidden, 403",
        "rate_limited, 429",
        "too_many_jobs, 429",
        "engine_failed, 500",
    })
    void overHttpARefusalHasTheStatusThatSaysTheSame(String code, int status) {
        Refusal refusal = new Refusal(Event.Error.answer("a", code, "no", null));
        assertThat(errors.httpStatus(refusal)).isEqualTo(status);
        assertThat(errors.httpStatus(new RuntimeException(new IllegalStateException(refusal))))
                .isEqualTo(status);
    }

    @Test
    void overHttpARedisThatDoesNotAnswerIsUnavailableAndAnythingElseIsOurs() {
        assertThat(errors.httpStatus(new RuntimeException(new QueryTimeoutException("away"))))
                .isEqualTo(503);
        assertThat(errors.httpStatus(new IllegalArgumentException("x"))).isEqualTo(500);
    }
}
