package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.EngineText;
import io.flux.engine.Engines;
import io.flux.engine.FinishReason;
import io.flux.job.EventJson;
import io.flux.job.JobRequest;
import io.flux.ledger.FencedException;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An attempt's events, as they come to stand in the journal of a real Redis. */
@Timeout(30)
class JobJournalTest {
    private final ObjectMapper mapper = new ObjectMapper();
    private final Ledger ledger = RedisFixture.ledger();
    private final Engines engines = new Engines();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final JobJournal journal =
            new JobJournal(ledger, new EventJson(mapper), engines, new WorkerMeters(meters), 3);
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Claims claims = new Claims(ledger, mapper, model, "worker-1", Duration.ofSeconds(30));

    @BeforeEach
    void submit() throws JsonProcessingException {
        JobRequest request = new JobRequest(id, model, "x", null, 10, null, null, null, null, null, null, null, null);
        ledger.create(id, model, mapper.writeValueAsString(request));
        ledger.accept(id);
    }

    @AfterEach
    void stop() {
        engines.close();
    }

    @Test
    void anAnswerIsStartTokensAndComplete() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        journal.text(attempt, new EngineText("Salt "));
        journal.text(attempt, new EngineText("and foam"));
        journal.complete(attempt, finished(12, 4));
        List<JsonNode> events = events();
        assertThat(events)
                .extracting(event -> event.get("type").textValue())
                .containsExactly("start", "token", "token", "complete");
        assertThat(events).extracting(event -> event.get("seq").intValue()).containsExactly(1, 2, 3, 4);
        assertThat(events).allMatch(event -> event.get("request_id").textValue().equals(id));
        JsonNode complete = events.get(3);
        assertThat(complete.get("finish_reason").textValue()).isEqualTo("stop");
        assertThat(complete.get("token_count").intValue()).isEqualTo(4);
        assertThat(complete.get("usage").get("prompt_tokens").intValue()).isEqualTo(12);
        assertThat(complete.get("usage").get("completion_tokens").intValue()).isEqualTo(4);
        assertThat(complete.get("timings").fieldNames()).toIterable().contains("queue_ms", "ttft_ms", "total_ms");
        assertThat(meters.counter("flux.jobs", "model", model, "outcome", "stop")
                        .count())
                .isEqualTo(1);
        assertThat(meters.counter("flux.tokens", "model", model).count()).isEqualTo(4);
        assertThat(meters.timer("flux.queue.wait", "model", model).count()).isEqualTo(1);
        assertThat(meters.timer("flux.time.to.first.token", "model", model).count())
                .isEqualTo(1);
        assertThat(meters.timer("flux.inter.token.latency", "model", model).count())
                .isEqualTo(1);
    }

    @Test
    void countsThatTheEngineDidNotSayAreLeftOut() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        journal.complete(attempt, new EngineEnd(FinishReason.STOP, null, 0, null, null, ""));
        JsonNode complete = events().get(1);
        assertThat(complete.has("token_count")).isFalse();
        assertThat(complete.has("usage")).isFalse();
        assertThat(complete.get("timings").has("ttft_ms")).isFalse();
        assertThat(complete.get("timings").has("tokens_per_second")).isFalse();
    }

    @Test
    void aLaterAttemptRestartsAndContinuesAndDoesNotClaimToKnowTheCount() throws JsonProcessingException {
        Attempt first = claims.start(id);
        journal.begin(first);
        journal.text(first, new EngineText("one "));
        assertThat(journal.retry(first)).isTrue();
        Attempt second = claims.start(id);
        journal.begin(second);
        journal.text(second, new EngineText("two"));
        journal.complete(second, finished(12, 1));
        List<JsonNode> events = events();
        assertThat(events)
                .extracting(event -> event.get("type").textValue())
                .containsExactly("start", "token", "restart", "token", "complete");
        assertThat(events.get(2).get("attempt").intValue()).isEqualTo(2);
        assertThat(events.get(2).get("mode").textValue()).isEqualTo("continue");
        assertThat(events.get(4).has("token_count")).isFalse();
        assertThat(meters.timer("flux.queue.wait", "model", model).count())
                .as("waited once")
                .isEqualTo(1);
    }

    @Test
    void anEngineThatBrokeEndsTheJobWithItsSentenceAndNoDetails() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        EngineEnd end = failed(EngineFailure.ENGINE_STALLED, "the engine wrote nothing for too long", false, true);
        assertThat(journal.judge(attempt, end)).isEqualTo(Verdict.RETRY);
        journal.fail(attempt, end);
        assertThat(events().get(1).toString())
                .isEqualTo("{\"type\":\"error\",\"request_id\":\"" + id + "\",\"seq\":2,\"code\":\"engine_failed\","
                        + "\"error\":\"the engine wrote nothing for too long\"}");
        assertThat(meters.counter("flux.jobs", "model", model, "outcome", "engine_failed")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void aRequestThatIsToBlameHearsItsOwnCodeAndField() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        EngineEnd end = failed(EngineFailure.PROMPT_TOO_LONG, "prompt is too long: 9 tokens", true, false);
        assertThat(journal.judge(attempt, end)).isEqualTo(Verdict.REFUSED);
        journal.fail(attempt, end);
        JsonNode error = events().get(1);
        assertThat(error.get("code").textValue()).isEqualTo("prompt_too_long");
        assertThat(error.get("field").textValue()).isEqualTo("prompt");
    }

    @Test
    void aJobThatWasCancelledIsNotTriedAgainButEnds() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        ledger.cancel(id, "{", "}");
        assertThat(journal.retry(attempt)).isFalse();
        assertThat(events().get(1).get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    @Test
    void anAttemptWhoseJobIsAnothersWritesNothing() throws JsonProcessingException {
        Attempt old = claims.start(id);
        journal.begin(old);
        ledger.retry(id, 1);
        claims.start(id);
        journal.text(old, new EngineText("late"));
        assertThatThrownBy(() -> journal.complete(old, finished(1, 1))).isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.retry(old)).isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.fail(old, failed(EngineFailure.ENGINE_FAILED, "x", false, true)))
                .isInstanceOf(FencedException.class);
        assertThat(events()).hasSize(1);
        assertThat(meters.find("flux.jobs").counters()).isEmpty();
    }

    @Test
    void anAbandonedAttemptWritesNothingMoreAndIsLost() throws JsonProcessingException {
        Attempt attempt = claims.start(id);
        journal.begin(attempt);
        journal.abandon(attempt);
        journal.text(attempt, new EngineText("after a hole"));
        assertThat(events()).hasSize(1);
        assertThat(journal.judge(attempt, finished(1, 1))).isEqualTo(Verdict.LOST);
    }

    private static EngineEnd finished(int promptTokens, int tokens) {
        return new EngineEnd(FinishReason.STOP, null, 0, promptTokens, tokens, "");
    }

    private static EngineEnd failed(String code, String message, boolean clientError, boolean retryable) {
        return new EngineEnd(null, new EngineFailure(code, message, clientError, retryable), 1, null, null, "/secret");
    }

    private List<JsonNode> events() throws JsonProcessingException {
        List<JsonNode> events = new java.util.ArrayList<>();
        for (JournalEntry entry : ledger.read(id, 0, 100).entries()) {
            events.add(mapper.readTree(entry.frame()));
        }
        return events;
    }
}
