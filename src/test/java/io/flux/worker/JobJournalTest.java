package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.EngineJobs;
import io.flux.engine.EngineStream;
import io.flux.engine.EngineText;
import io.flux.engine.EngineTimes;
import io.flux.engine.Engines;
import io.flux.engine.FinishReason;
import io.flux.engine.LiveExec;
import io.flux.engine.LiveProcess;
import io.flux.engine.TokenCounter;
import io.flux.engine.UsageCounter;
import io.flux.job.AttemptLimits;
import io.flux.job.ChatTemplate;
import io.flux.job.EventJson;
import io.flux.job.JobRequest;
import io.flux.job.Requests;
import io.flux.ledger.FencedException;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.flux.log.JobLog;
import io.flux.trace.Exemplars;
import io.flux.trace.Tracing;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.exec.ExecCommand;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.data.redis.core.RedisCallback;

/** An attempt's events, as they come to stand in the journal of a real Redis. */
@Timeout(30)
class JobJournalTest {
    private static final EngineEnd BROKEN = failed(EngineFailure.ENGINE_FAILED, "it broke", false, true);

    private final ObjectMapper mapper = new ObjectMapper();
    private final Ledger ledger = RedisFixture.ledger();
    private final LiveExec exec = new LiveExec();
    private final Engines engines = new Engines();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Claims claims =
            new Claims(ledger, mapper, engines, EngineJobs.served(model), "worker-1", Duration.ofSeconds(30));
    private final JobJournal journal = new JobJournal(
            ledger,
            new EventJson(mapper),
            claims,
            new WorkerMeters(meters, new Exemplars()),
            new JobJournal.Terms(
                    AttemptLimits.of(3),
                    Duration.ofDays(7),
                    "worker-1",
                    Clock.fixed(Instant.ofEpochMilli(1234), ZoneOffset.UTC),
                    Tracing.OFF,
                    new UsageCounter(name -> ChatTemplate.CHATML, name -> TokenCounter.NONE)));

    @BeforeEach
    void submit() throws JsonProcessingException {
        JobRequest request = Requests.prompt(id, model, "x", 10);
        engines.onOpen(claims::opened);
        ledger.create(id, model, mapper.writeValueAsString(request), Duration.ofHours(1), "grace", false);
        ledger.accept(id);
    }

    @AfterEach
    void stop() {
        JobLog.leave();
        engines.close();
        exec.close();
    }

    @Test
    void anAnswerIsStartTokensAndComplete() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.text(attempt, new EngineText("Salt ", System.nanoTime()));
        journal.text(attempt, new EngineText("and foam", System.nanoTime()));
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
        assertThat(complete.get("attempts").intValue()).isEqualTo(1);
        assertThat(complete.get("resumes").intValue()).isZero();
        assertThat(complete.get("timings").fieldNames()).toIterable().contains("queue_ms", "ttft_ms", "total_ms");
        assertThat(complete.get("timings").has("requeue_ms")).isFalse();
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
    void anAttemptAfterOneThatDiedBeforeItSaidAnythingIsTheStart() throws JsonProcessingException {
        take();
        ledger.reclaim(id, Duration.ZERO, 3, 30);
        journal.begin(take());
        assertThat(events()).hasSize(1);
        assertThat(events().get(0).get("type").textValue()).isEqualTo("start");
        assertThat(events().get(0).get("attempt").intValue()).isEqualTo(2);
    }

    @Test
    void theEnginesOwnTimesAndWhatFluxTookAreTold() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        claims.opened(id);
        long read = System.nanoTime() - Duration.ofMillis(3).toNanos();
        journal.text(attempt, new EngineText("Salt ", read));
        journal.text(attempt, new EngineText("and foam", read));
        journal.complete(
                attempt, new EngineEnd(FinishReason.STOP, null, 0, 12, 4, new EngineTimes(40.16, 2.25, null), ""));
        JsonNode timings = events().get(3).get("timings");
        assertThat(timings.get("load_ms").doubleValue()).isEqualTo(40.2);
        assertThat(timings.get("prompt_eval_ms").doubleValue()).isEqualTo(2.3);
        assertThat(timings.has("eval_ms")).isFalse();
        JsonNode overhead = timings.get("overhead");
        assertThat(overhead.get("dispatch_ms").doubleValue()).isPositive();
        assertThat(overhead.get("texts").intValue()).isEqualTo(2);
        assertThat(overhead.get("relay_ms").doubleValue()).isGreaterThanOrEqualTo(6);
        assertThat(overhead.get("relay_mean_ms").doubleValue())
                .isCloseTo(overhead.get("relay_ms").doubleValue() / 2, within(0.1));
    }

    @Test
    void thePaceIsThatOfTheEnginesClockWhereItTells() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.text(attempt, new EngineText("all at once", System.nanoTime()));
        journal.complete(
                attempt, new EngineEnd(FinishReason.STOP, null, 0, 12, 101, new EngineTimes(null, null, 400.0), ""));
        JsonNode timings = events().get(2).get("timings");
        assertThat(timings.get("tokens_per_second").doubleValue()).isEqualTo(250);
    }

    @Test
    void countsThatTheEngineDidNotSayAreEstimatesAndSaySo() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.complete(attempt, new EngineEnd(FinishReason.STOP, null, 0, null, null, ""));
        JsonNode complete = events().get(1);
        assertThat(complete.has("token_count")).isFalse();
        assertThat(complete.get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":1,\"completion_tokens\":0,\"estimated\":true}");
        assertThat(complete.get("timings").has("ttft_ms")).isFalse();
        assertThat(complete.get("timings").has("tokens_per_second")).isFalse();
    }

    @Test
    void aLaterAttemptRestartsAndContinuesAndEstimatesWhatTheOneBeforeWrote() throws JsonProcessingException {
        Attempt first = take();
        journal.begin(first);
        journal.text(first, new EngineText("one ", System.nanoTime()));
        assertThat(journal.retry(first, BROKEN)).isTrue();
        Attempt second = take();
        journal.begin(second);
        journal.text(second, new EngineText("two", System.nanoTime()));
        journal.complete(second, finished(12, 1));
        List<JsonNode> events = events();
        assertThat(events)
                .extracting(event -> event.get("type").textValue())
                .containsExactly("start", "token", "restart", "token", "complete");
        assertThat(events.get(2).get("attempt").intValue()).isEqualTo(2);
        assertThat(events.get(2).get("mode").textValue()).isEqualTo("continue");
        assertThat(events.get(4).has("token_count")).isFalse();
        assertThat(events.get(4).get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":11,\"completion_tokens\":2,\"estimated\":true}");
        assertThat(events.get(4).get("attempts").intValue()).isEqualTo(2);
        assertThat(events.get(4).get("resumes").intValue()).isEqualTo(1);
        assertThat(events.get(4).get("timings").get("requeue_ms").longValue()).isNotNegative();
        assertThat(meters.timer("flux.queue.wait", "model", model).count())
                .as("waited once")
                .isEqualTo(1);
    }

    @Test
    void anEngineThatBrokeEndsTheJobWithItsSentenceAndNoDetails() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        EngineEnd end = failed(EngineFailure.ENGINE_STALLED, "the engine wrote nothing for too long", false, true);
        assertThat(journal.judge(attempt, end)).isEqualTo(Verdict.RETRY);
        journal.die(attempt, end);
        JsonNode error = events().get(1);
        assertThat(error.toString())
                .startsWith("{\"type\":\"error\",\"request_id\":\"" + id + "\",\"seq\":2,\"code\":\"engine_failed\","
                        + "\"error\":\"the engine wrote nothing for too long\",\"attempts\":1,\"timings\":{");
        assertThat(error.get("timings").fieldNames()).toIterable().containsExactly("queue_ms", "total_ms");
        assertThat(meters.counter("flux.jobs", "model", model, "outcome", "engine_failed")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void operatorsAreToldOfADeadJobWhatItsClientIsNot() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.die(
                attempt, failed(EngineFailure.ENGINE_STALLED, "the engine wrote nothing for too long", false, true));
        assertThat(ledger.deadLetter(id).failure())
                .isEqualTo("{\"code\":\"engine_failed\",\"error\":\"the engine wrote nothing for too long\","
                        + "\"attempts\":1,\"exit_code\":1,\"stderr\":\"/secret\",\"worker\":\"worker-1\","
                        + "\"died_ms\":1234}");
        assertThat(RedisFixture.redis().getExpire(Keys.job(id)))
                .as("kept for longer than a job that ended well")
                .isGreaterThan(Duration.ofDays(6).toSeconds());
    }

    @Test
    void aJobThatEndedAnyOtherWayIsNoDeadLetter() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.complete(attempt, finished(1, 1));
        assertThat(ledger.deadLetter(id)).isNull();
        assertThat(RedisFixture.redis().getExpire(Keys.job(id)))
                .isLessThanOrEqualTo(Duration.ofHours(1).toSeconds());
    }

    @Test
    void earlierFailuresOfTheJobCountInTheJudgement() throws JsonProcessingException {
        Attempt first = take();
        assertThat(journal.judge(first, BROKEN)).isEqualTo(Verdict.RETRY);
        assertThat(journal.retry(first, BROKEN)).isTrue();
        Attempt second = take();
        assertThat(journal.judge(second, BROKEN)).isEqualTo(Verdict.RETRY);
        assertThat(journal.retry(second, BROKEN)).isTrue();
        assertThat(journal.judge(take(), BROKEN)).isEqualTo(Verdict.DEAD);
    }

    @Test
    void attemptsThatTheJobIsNotToBlameForDoNotCountInTheJudgement() throws JsonProcessingException {
        for (String code : List.of(EngineFailure.HANDED_OVER, EngineFailure.OUTPUT_TRUNCATED)) {
            for (int i = 0; i < 3; i++) {
                Attempt attempt = take();
                EngineEnd end = failed(code, "not its fault", false, true);
                assertThat(journal.judge(attempt, end)).isEqualTo(Verdict.RETRY);
                assertThat(journal.retry(attempt, end)).isTrue();
            }
        }
        Attempt seventh = take();
        assertThat(seventh.number()).isEqualTo(7);
        assertThat(seventh.failures()).isZero();
        assertThat(journal.judge(seventh, BROKEN)).isEqualTo(Verdict.RETRY);
    }

    @Test
    void aRequestThatIsToBlameHearsItsOwnCodeAndField() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        EngineEnd end = failed(EngineFailure.PROMPT_TOO_LONG, "prompt is too long: 9 tokens", true, false);
        assertThat(journal.judge(attempt, end)).isEqualTo(Verdict.REFUSED);
        journal.refuse(attempt, end);
        JsonNode error = events().get(1);
        assertThat(error.get("code").textValue()).isEqualTo("prompt_too_long");
        assertThat(error.get("field").textValue()).isEqualTo("prompt");
        assertThat(ledger.deadLetter(id)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cancelled", "deadline"})
    void aJobThatIsToBeStoppedIsNotTriedAgainButEnds(String reason) throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        ledger.end(id, new LastEvent("{", "}", "}"), reason);
        assertThat(journal.retry(attempt, BROKEN)).isFalse();
        assertThat(events().get(1).get("finish_reason").textValue()).isEqualTo(reason);
        assertThat(ledger.read(id, 0, 1).state()).isEqualTo("done");
    }

    @ParameterizedTest
    @CsvSource({"cancelled, CANCELLED", "deadline, DEADLINE"})
    void aJobThatIsToBeStoppedHasItsEngineStoppedWithTheNextText(String reason, FinishReason finish)
            throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        EngineStream engine = engine();
        ledger.end(id, new LastEvent("{", "}", "}"), reason);
        journal.text(attempt, new EngineText("written still", System.nanoTime()));
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(finish);
        assertThat(events()).hasSize(2);
    }

    @Test
    void aJobThatIsToBeStoppedBeforeItsEngineIsThereHasItStoppedThen() throws JsonProcessingException {
        Attempt attempt = take();
        ledger.end(id, new LastEvent("{", "}", "}"), "cancelled");
        journal.begin(attempt);
        EngineStream engine = engine();
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(FinishReason.CANCELLED);
    }

    @Test
    void aJobWhoseTimeIsOverBeforeAnEngineWasAskedEndsWithThatAlone() throws JsonProcessingException {
        journal.overdue(take());
        List<JsonNode> events = events();
        assertThat(events).hasSize(1);
        assertThat(events.get(0).get("type").textValue()).isEqualTo("complete");
        assertThat(events.get(0).get("seq").intValue()).isEqualTo(1);
        assertThat(events.get(0).get("finish_reason").textValue()).isEqualTo("deadline");
        assertThat(meters.counter("flux.jobs", "model", model, "outcome", "deadline")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void anAnswerWhoseTokensAreUsedUpIsWhole() throws JsonProcessingException {
        Attempt first = take();
        journal.begin(first);
        journal.text(first, new EngineText("all of it", System.nanoTime()));
        journal.retry(first, BROKEN);
        Attempt second = take();
        journal.begin(second);
        journal.complete(second, EngineEnd.unasked(FinishReason.LENGTH));
        JsonNode complete = events().get(3);
        assertThat(complete.get("type").textValue()).isEqualTo("complete");
        assertThat(complete.get("finish_reason").textValue()).isEqualTo("length");
    }

    @Test
    void anAttemptWhoseJobIsAnothersWritesNothing() throws JsonProcessingException {
        Attempt old = take();
        journal.begin(old);
        EngineStream engine = engine();
        ledger.reclaim(id, Duration.ZERO, 3, 30);
        ledger.start(id, "worker-2", "worker-2 claim");
        journal.text(old, new EngineText("late", System.nanoTime()));
        assertThat(((EngineEnd) engine.next()).failure().code()).isEqualTo(EngineFailure.LOST);
        assertThatThrownBy(() -> journal.complete(old, finished(1, 1))).isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.retry(old, BROKEN)).isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.die(old, BROKEN)).isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.refuse(old, failed(EngineFailure.PROMPT_TOO_LONG, "x", true, false)))
                .isInstanceOf(FencedException.class);
        assertThatThrownBy(() -> journal.overdue(old)).isInstanceOf(FencedException.class);
        assertThat(events()).hasSize(1);
        assertThat(meters.find("flux.jobs").counters()).isEmpty();
        assertThat(ledger.deadLetter(id)).isNull();
    }

    @Test
    void aRetryThatIsRepeatedBecauseRedisDidNotAnswerCountsOnce() throws JsonProcessingException {
        Attempt attempt = take();
        assertThat(journal.retry(attempt, BROKEN)).isTrue();
        assertThat(journal.retry(attempt, BROKEN)).isTrue();
        assertThat(take().failures()).isEqualTo(1);
    }

    @Test
    void anAbandonedAttemptWritesNothingMoreAndIsLost() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        EngineStream engine = engine();
        journal.abandon(attempt);
        assertThat(((EngineEnd) engine.next()).failure().code()).isEqualTo(EngineFailure.LOST);
        journal.text(attempt, new EngineText("after a hole", System.nanoTime()));
        assertThat(events()).hasSize(1);
        assertThat(journal.judge(attempt, finished(1, 1))).isEqualTo(Verdict.LOST);
    }

    /** What a slot does first; a job that is here still was given back before. */
    @Test
    void whatTheJournalHasLostIsWrittenAgainWithTheSameNumbersBeforeTheNextText() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        for (String text : List.of("one ", "two ", "three ")) {
            journal.text(attempt, new EngineText(text, System.nanoTime()));
        }
        List<JsonNode> seen = events();
        lose(2);
        journal.text(attempt, new EngineText("four", System.nanoTime()));
        assertThat(events().subList(0, 4)).isEqualTo(seen);
        assertThat(events()).hasSize(5);
        lose(0);
        journal.complete(attempt, finished(12, 4));
        assertThat(events().subList(0, 4)).isEqualTo(seen);
        assertThat(events()).extracting(event -> event.get("seq").intValue()).containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(events().get(5).get("type").textValue()).isEqualTo("complete");
    }

    @Test
    void aDeadLettersErrorComesAfterWhatTheJournalHasLost() throws JsonProcessingException {
        Attempt attempt = take();
        journal.begin(attempt);
        journal.text(attempt, new EngineText("one ", System.nanoTime()));
        lose(1);
        journal.die(attempt, BROKEN);
        assertThat(events())
                .extracting(event -> event.get("type").textValue())
                .containsExactly("start", "token", "error");
    }

    @Test
    void anAttemptThatDoesNotHaveWhatTheJournalHasLostLeavesTheJobToTheNext() throws JsonProcessingException {
        Attempt first = take();
        journal.begin(first);
        journal.text(first, new EngineText("one ", System.nanoTime()));
        assertThat(journal.retry(first, BROKEN)).isTrue();
        Attempt second = take();
        journal.begin(second);
        lose(1); // what the first attempt wrote
        assertThatThrownBy(() -> journal.text(second, new EngineText("two", System.nanoTime())))
                .isInstanceOf(FencedException.class);
        journal.text(second, new EngineText("three", System.nanoTime()));
        assertThat(journal.judge(second, finished(12, 4))).isEqualTo(Verdict.LOST);
        assertThat(events()).hasSize(1);
    }

    /** What a failover does to a replica that had not heard everything. */
    private void lose(long after) throws JsonProcessingException {
        for (JsonNode event : events()) {
            long seq = event.get("seq").longValue();
            if (seq > after) {
                RedisFixture.redis().opsForStream().delete("flux:{" + id + "}:journal", seq + "-0");
            }
        }
        // A stream remembers the id of an entry that was deleted, and takes no lower one.
        RedisFixture.redis().execute((RedisCallback<Object>) connection -> connection.execute(
                "XSETID",
                ("flux:{" + id + "}:journal").getBytes(StandardCharsets.UTF_8),
                (after + "-0").getBytes(StandardCharsets.UTF_8)));
        RedisFixture.redis().opsForHash().put(Keys.job(id), "seq", Long.toString(after));
    }

    private Attempt take() throws JsonProcessingException {
        claims.drop(id);
        ledger.enqueue(id, model, RedisFixture.arrival(10), null, null);
        assertThat(claims.claim(model, RedisFixture.name("claim"))).isEqualTo(id);
        return claims.start(id);
    }

    /** A real process, for the job. */
    private EngineStream engine() {
        LiveProcess process = exec.execute(new ExecCommand(
                "/bin/sleep", List.of("1000"), null, 0L, Set.of(), null, null, false, LoggingLevel.OFF));
        return engines.openPlain(process, EngineJobs.job(id, model, List.of(), null));
    }

    private static EngineEnd finished(int promptTokens, int tokens) {
        return new EngineEnd(FinishReason.STOP, null, 0, promptTokens, tokens, "");
    }

    private static EngineEnd failed(String code, String message, boolean clientError, boolean retryable) {
        return new EngineEnd(
                null,
                new EngineFailure(code, message, clientError, retryable, clientError ? "prompt" : null),
                1,
                null,
                null,
                "/secret");
    }

    private List<JsonNode> events() throws JsonProcessingException {
        List<JsonNode> events = new ArrayList<>();
        for (JournalEntry entry : ledger.read(id, 0, 100).entries()) {
            events.add(mapper.readTree(entry.frame()));
        }
        return events;
    }
}
