package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.job.Event;
import io.flux.job.Refusal;
import org.junit.jupiter.api.Test;
import org.springframework.data.redis.RedisConnectionFailureException;

class FailuresTest {
    private final Failures failures = new Failures();

    private static Refusal refusal(String code, String field) {
        return new Refusal(Event.Error.answer("id", code, "because", field));
    }

    @Test
    void whatPassesByItselfIsForNowAlsoWhenItIsWrapped() {
        for (String code : new String[] {"overloaded", "rate_limited", "too_many_jobs", "unavailable"}) {
            assertThat(failures.isForNow(new IllegalStateException(refusal(code, null))))
                    .isTrue();
        }
        assertThat(failures.isForNow(new RedisConnectionFailureException("away")))
                .isTrue();
        assertThat(failures.isForNow(refusal("not_found", "request_id")))
                .as("Redis came back without the job")
                .isTrue();
    }

    @Test
    void whatWouldFailAgainIsForGoodUnlessItIsTheAnswerThatCannotBeStored() {
        for (Throwable failure : new Throwable[] {
            refusal("invalid_request", "prompt"),
            refusal("not_found", "model"),
            refusal("engine_failed", null),
            new IllegalArgumentException("a fault of Flux's")
        }) {
            assertThat(failures.isForNow(failure)).isFalse();
            assertThat(failures.isForGood(failure, null)).isTrue();
            assertThat(failures.isForGood(failure, true)).isFalse();
        }
        assertThat(failures.isForGood(refusal("overloaded", null), null)).isFalse();
    }

    @Test
    void onlyARefusalsOwnWordsAreSaid() {
        assertThat(failures.reason(new IllegalStateException(refusal("invalid_request", null))))
                .isEqualTo("because");
        assertThat(failures.code(refusal("invalid_request", null))).isEqualTo("invalid_request");
        assertThat(failures.reason(new IllegalStateException("/secret/path")))
                .isEqualTo("something went wrong in Flux; its log says what");
        assertThat(failures.code(new IllegalStateException())).isEqualTo("internal_error");
    }
}
