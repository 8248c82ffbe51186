package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.EngineEnd;
import io.flux.engine.EngineFailure;
import io.flux.engine.EngineJob;
import io.flux.engine.EngineJobs;
import io.flux.engine.EngineStream;
import io.flux.engine.Engines;
import io.flux.engine.FinishReason;
import io.flux.engine.LiveExec;
import io.flux.engine.LiveProcess;
import io.flux.engine.StopReason;
import io.flux.engine.Transcript;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.JobRequest;
import io.flux.ledger.Ended;
import io.flux.ledger.FencedException;
import io.flux.ledger.Keys;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.flux.ledger.Write;
import io.flux.log.JobLog;
import java.time.Duration;
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
import org.springframework.dao.QueryTimeoutException;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;

/** From a waiting job to what the engine is asked, against a real Redis. */
@Timeout(30)
class ClaimsTest {
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final ObjectMapper mapper = new ObjectMapper();
    private final EventJson json = new EventJson(mapper);
    private final Ledger ledger = RedisFixture.ledger();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final LiveExec exec = new LiveExec();
    private final Engines engines = new Engines();
    private final Claims claims = new Claims(ledger, mapper, engines, EngineJobs.served(model), "worker-1", LEASE);
    private long seq;
    private int attempts;

    @BeforeEach
    void submit() throws JsonProcessingException {
        engines.onOpen(claims::opened);
        ledger.create(id, model, mapper.writeValueAsString(request()), null, "grace", false);
        enqueue(id);
        ledger.accept(id);
    }

    private JobRequest request() {
        return new JobRequest(
                id,
                model,
                "Write me a poem",
                null,
                10,
                0.5,
                0.9,
                40,
                0.05,
                7L,
                List.of("END"),
                null,
                null,
                null,
                null,
                null,
                null,
                false);
    }

    @AfterEach
    void stopEngines() {
        JobLog.leave();
        engines.close();
        exec.close();
    }

    @Test
    void aWaitingJobIsClaimedOnceAndStarted() throws JsonProcessingException {
        assertThat(claims.claim(model, "claim-1")).isEqualTo(id);
        assertThat(claims.claim(model, "claim-2")).as("no other waits").isNull();
        assertThat(claims.count()).isEqualTo(1);
        Attempt attempt = claims.start(id);
        assertThat(attempt.requestId()).isEqualTo(id);
        assertThat(attempt.number()).isEqualTo(1);
        assertThat(attempt.model()).isEqualTo(model);
        assertThat(attempt.job().soFar()).isEqualTo(Transcript.EMPTY);
        assertThat(attempt.nextSeq()).isEqualTo(1);
    }

    @Test
    void whatRunsElsewhereIsNotStarted() throws JsonProcessingException {
        take();
        Claims elsewhere = new Claims(ledger, mapper, engines, EngineJobs.served(model), "worker-2", LEASE);
        enqueue(id);
        assertThat(elsewhere.claim(model, "claim-1")).isEqualTo(id);
        assertThatThrownBy(() -> elsewhere.start(id)).isInstanceOf(FencedException.class);
    }

    @Test
    void whatIsGoneOrHasEndedIsNotStarted() throws JsonProcessingException {
        ledger.end(id, new LastEvent("{\"seq\":", "}", "}"), "cancelled");
        enqueue("no-such-job");
        assertThat(claims.claim(model, "claim-1")).isEqualTo(id);
        assertThat(claims.claim(model, "claim-2")).isEqualTo("no-such-job");
        assertThat(claims.start("no-such-job")).isNull();
        assertThat(claims.start(id)).isNull();
    }

    @Test
    void aStartThatIsRepeatedBecauseRedisDidNotAnswerIsTheSameAttempt() throws JsonProcessingException {
        Attempt first = take();
        Attempt again = claims.start(id);
        assertThat(again.number()).isEqualTo(first.number());
        assertThat(again.nextSeq()).isEqualTo(first.nextSeq());
    }

    @Test
    void aJobThatComesBackWhileThisWorkerHoldsItIsNotServedTwice() throws JsonProcessingException {
        Attempt attempt = take();
        enqueue(id);
        assertThat(claims.claim(model, "another claim")).isNull();
        assertThat(claims.count()).isEqualTo(1);
        assertThat(score()).as("left to the reaper").isPositive();
        start(attempt.number());
        claims.release(id, model);
        enqueue(id);
        assertThat(claims.claim(model, "a later claim")).as("when it is free").isEqualTo(id);
    }

    @Test
    void leasesOfHeldJobsAreRenewed() throws JsonProcessingException {
        take();
        expire();
        claims.renew();
        assertThat(score()).isGreaterThan(System.currentTimeMillis());
    }

    @Test
    void aJobWhoseLeaseIsLostIsStopped() throws Exception {
        take();
        EngineStream engine = engine();
        claims.renew();
        assertThat(engines.running()).isEqualTo(1);
        RedisFixture.redis().opsForZSet().remove(Keys.running(model), id);
        claims.renew();
        assertThat(((EngineEnd) engine.next()).failure().code()).isEqualTo(EngineFailure.LOST);
        assertThat(RedisFixture.redis().hasKey(Keys.running(model)))
                .as("a lease that is lost does not come back")
                .isFalse();
    }

    @Test
    void aWorkerThatHoldsNothingRenewsNothing() {
        claims.renew();
        claims.check();
        claims.handOver();
        assertThat(claims.count()).isZero();
        assertThat(RedisFixture.redis().hasKey(Keys.running(model))).isFalse();
    }

    @Test
    void aStopReachesTheEngineOfAJobThatIsHeld() throws Exception {
        take();
        EngineStream engine = engine();
        assertThat(engines.running()).isEqualTo(1);
        claims.stop(id, StopReason.CANCELLED);
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(FinishReason.CANCELLED);
    }

    @Test
    void aStopThatComesBeforeTheEngineTakesEffectWhenTheEngineIsThere() throws Exception {
        take();
        claims.stop(id, StopReason.DEADLINE);
        EngineStream engine = engine();
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(FinishReason.DEADLINE);
    }

    @Test
    void aStopOfAnEarlierHoldingDoesNotReachALaterOne() throws Exception {
        take();
        claims.stop(id, StopReason.CANCELLED);
        claims.requeue(id, model, Duration.ZERO);
        assertThat(claims.claim(model, "claim-2")).isEqualTo(id);
        EngineStream engine = engine();
        assertThat(engines.running()).isEqualTo(1);
        engine.close();
    }

    @Test
    void aStopForAJobThatIsNotHeldStopsNothing() throws Exception {
        EngineStream engine = engine();
        claims.stop(id, StopReason.CANCELLED);
        assertThat(engines.running()).isEqualTo(1);
        engine.close();
    }

    @ParameterizedTest
    @CsvSource({"cancelled, CANCELLED", "deadline, DEADLINE"})
    void theWorkersChannelSaysWhichJobIsToBeStoppedAndWhy(String reason, FinishReason finish) throws Exception {
        take();
        EngineStream engine = engine();
        claims.obey(reason + " another-job");
        assertThat(engines.running()).isEqualTo(1);
        claims.obey(reason + " " + id);
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(finish);
    }

    @ParameterizedTest
    @CsvSource({"cancelled, CANCELLED", "deadline, DEADLINE"})
    void whatTheChannelMissedIsFoundByALook(String reason, FinishReason finish) throws Exception {
        take();
        EngineStream engine = engine();
        claims.check();
        assertThat(engines.running()).isEqualTo(1);
        assertThat(ledger.end(id, new LastEvent("{", "}", "}"), reason).outcome())
                .isEqualTo(Ended.Outcome.RUNNING);
        claims.check();
        assertThat(((EngineEnd) engine.next()).finish()).isEqualTo(finish);
    }

    @Test
    void aJobThatBelongsToAnotherAttemptIsFoundByALookAndStopped() throws Exception {
        take();
        EngineStream engine = engine();
        ledger.reclaim(id, Duration.ZERO, 3, 30);
        ledger.start(id, "worker-2", "worker-2 claim");
        claims.check();
        assertThat(((EngineEnd) engine.next()).failure().code()).isEqualTo(EngineFailure.LOST);
    }

    @Test
    void aJobThatHasALeaseAndNoAttemptYetIsNotLookedAt() {
        claims.claim(model, "claim-1");
        claims.check();
        assertThat(claims.count()).isEqualTo(1);
    }

    @Test
    void handingOverStopsEveryJobForAnotherWorkerToGoOn() throws Exception {
        take();
        EngineStream engine = engine();
        claims.handOver();
        EngineEnd end = (EngineEnd) engine.next();
        assertThat(end.failure().code()).isEqualTo(EngineFailure.HANDED_OVER);
        assertThat(end.failure().retryable()).isTrue();
        assertThat(claims.count()).as("until it is given back").isEqualTo(1);
    }

    @Test
    void aJobIsGivenBackToTheFrontOfItsQueue() throws JsonProcessingException {
        take();
        enqueue("later");
        claims.requeue(id, model, Duration.ZERO);
        claims.requeue(id, model, Duration.ZERO);
        assertThat(waiting()).containsExactly(id, "later");
        assertThat(claims.count()).isZero();
        claims.renew();
        assertThat(RedisFixture.redis().hasKey(Keys.running(model))).isFalse();
    }

    @Test
    void aJobThatIsGivenBackForLaterIsKeptOutOfTheQueueByALeaseThatNobodyRenews() throws JsonProcessingException {
        take();
        claims.requeue(id, model, Duration.ofHours(1));
        assertThat(waiting()).isEmpty();
        assertThat(claims.count()).isZero();
        double till = score();
        assertThat(till).isGreaterThan(System.currentTimeMillis() + LEASE.toMillis());
        claims.renew();
        assertThat(score()).isEqualTo(till);
    }

    @Test
    void aFinishedJobIsHeldNoMoreAndHasNoLease() throws JsonProcessingException {
        take();
        claims.release(id, model);
        assertThat(claims.count()).isZero();
        assertThat(RedisFixture.redis().hasKey(Keys.running(model))).isFalse();
    }

    @Test
    void aDeadJobIsOnTheDeadLetterListAndHeldNoMore() throws JsonProcessingException {
        take();
        claims.bury(id, model);
        assertThat(claims.count()).isZero();
        assertThat(RedisFixture.redis().hasKey(Keys.running(model))).isFalse();
        assertThat(RedisFixture.redis().opsForList().range(Keys.dead(model), 0, -1))
                .containsExactly(id);
    }

    @Test
    void aJobThatIsLeftAloneKeepsItsLeaseUntilThatRunsOut() throws JsonProcessingException {
        take();
        claims.drop(id);
        assertThat(claims.count()).isZero();
        expire();
        claims.renew();
        assertThat(score()).as("not renewed").isEqualTo(1);
    }

    @Test
    void aJobWhoseEndRedisDidNotHearIsHeldStill() {
        Trouble redis = new Trouble();
        Claims troubled = claims(redis);
        troubled.claim(model, "claim-1");
        redis.next = Trouble::away;
        assertThatThrownBy(() -> troubled.release(id, model)).isInstanceOf(QueryTimeoutException.class);
        redis.next = Trouble::away;
        assertThatThrownBy(() -> troubled.bury(id, model)).isInstanceOf(QueryTimeoutException.class);
        assertThat(troubled.count()).isEqualTo(1);
        redis.next = Trouble::away;
        assertThatThrownBy(() -> troubled.requeue(id, model, Duration.ZERO)).isInstanceOf(QueryTimeoutException.class);
        assertThat(troubled.count())
                .as("a renewal after the hand-back could take what is another's")
                .isZero();
        troubled.requeue(id, model, Duration.ZERO);
        assertThat(waiting()).containsExactly(id);
    }

    @Test
    void whenRedisDidNotAnswerTheSameClaimMayAskAgain() {
        Trouble redis = new Trouble();
        Claims troubled = claims(redis);
        enqueue("second");
        redis.next = Trouble::away;
        assertThatThrownBy(() -> troubled.claim(model, "claim-1")).isInstanceOf(QueryTimeoutException.class);
        assertThat(troubled.claim(model, "claim-1")).isEqualTo(id);
    }

    @Test
    void whenTheAnswerWasLostTheSameClaimGetsTheSameJob() {
        Trouble redis = new Trouble();
        Claims troubled = claims(redis);
        enqueue("second");
        redis.after = Trouble::away;
        assertThatThrownBy(() -> troubled.claim(model, "claim-1")).isInstanceOf(QueryTimeoutException.class);
        assertThat(troubled.count()).as("it does not know").isZero();
        assertThat(troubled.claim(model, "claim-2")).isEqualTo("second");
        assertThat(troubled.claim(model, "claim-1")).isEqualTo(id);
        assertThat(troubled.count()).isEqualTo(2);
    }

    /** A Redis before or after whose next script something happens. */
    private static final class Trouble extends StringRedisTemplate {
        private Runnable next = () -> {};
        private Runnable after = () -> {};

        Trouble() {
            super(RedisFixture.redis().getRequiredConnectionFactory());
        }

        static void away() {
            throw new QueryTimeoutException("Redis is away");
        }

        @Override
        public <T> T execute(RedisScript<T> script, List<String> keys, Object... args) {
            Runnable now = next;
            next = () -> {};
            now.run();
            T answer = super.execute(script, keys, args);
            Runnable later = after;
            after = () -> {};
            later.run();
            return answer;
        }
    }

    private Claims claims(Trouble redis) {
        return new Claims(
                new Ledger(redis, Duration.ofHours(1), Duration.ofMinutes(1)),
                mapper,
                engines,
                EngineJobs.served(model),
                "worker-1",
                LEASE);
    }

    @Test
    void theFirstAttemptIsAskedForTheWholeAnswer() throws JsonProcessingException {
        assertThat(take().job()).isEqualTo(new EngineJob(request(), 1, Transcript.EMPTY, null));
    }

    @Test
    void theNextAttemptGoesOnAfterTheTextSoFar() throws JsonProcessingException {
        take();
        start(1);
        token(1, "The sea ");
        token(1, "is \"wide\" 🌙");
        token(1, "\n");
        Attempt second = takeAgain();
        assertThat(second.number()).isEqualTo(2);
        assertThat(second.nextSeq()).isEqualTo(5);
        assertThat(second.job())
                .isEqualTo(new EngineJob(request(), 2, new Transcript("The sea is \"wide\" 🌙\n", 3), null));
    }

    @Test
    void theTextOfEveryEarlierAttemptCounts() throws JsonProcessingException {
        take();
        start(1);
        token(1, "one ");
        takeAgain();
        restart(2, "continue");
        token(2, "two ");
        assertThat(takeAgain().job().soFar()).isEqualTo(new Transcript("one two ", 2));
    }

    @Test
    void textThatWasTakenBackDoesNotCount() throws JsonProcessingException {
        take();
        start(1);
        token(1, "wrong");
        takeAgain();
        restart(2, "reset");
        token(2, "right");
        assertThat(takeAgain().job().soFar()).isEqualTo(new Transcript("right", 1));
    }

    @Test
    void aLongTranscriptIsReadWhole() throws JsonProcessingException {
        take();
        start(1);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 1100; i++) {
            token(1, i + " ");
            text.append(i).append(' ');
        }
        Attempt second = takeAgain();
        assertThat(second.job().soFar()).isEqualTo(new Transcript(text.toString(), 1100));
    }

    private void start(int attempt) {
        write(attempt, new Event.Start(id, ++seq, attempt, 1));
    }

    private void restart(int attempt, String mode) {
        write(attempt, new Event.Restart(id, ++seq, attempt, mode));
    }

    private void token(int attempt, String text) {
        write(attempt, new Event.Token(id, ++seq, text));
    }

    private void write(int attempt, Event event) {
        assertThat(ledger.append(id, attempt, seq, json.write(event))).isEqualTo(Write.OK);
    }

    /** What a slot does first. */
    private Attempt take() throws JsonProcessingException {
        assertThat(claims.claim(model, RedisFixture.name("claim"))).isEqualTo(id);
        attempts++;
        return claims.start(id);
    }

    /** What becomes of a job whose attempt failed: the next one. */
    private Attempt takeAgain() throws JsonProcessingException {
        assertThat(ledger.retry(id, attempts, true, "engine_failed")).isEqualTo(Write.OK);
        claims.requeue(id, model, Duration.ZERO);
        return take();
    }

    private void enqueue(String job) {
        ledger.enqueue(job, model, RedisFixture.arrival(10), null, null);
    }

    private void expire() {
        RedisFixture.redis().opsForZSet().add(Keys.running(model), id, 1);
    }

    private double score() {
        return RedisFixture.redis().opsForZSet().score(Keys.running(model), id);
    }

    private List<String> waiting() {
        return ledger.order(model);
    }

    /** A real process, for the job. */
    private EngineStream engine() {
        LiveProcess process = exec.execute(new ExecCommand(
                "/bin/sleep", List.of("1000"), null, 0L, Set.of(), null, null, false, LoggingLevel.OFF));
        return engines.openPlain(process, EngineJobs.job(id, model, List.of(), null));
    }
}
