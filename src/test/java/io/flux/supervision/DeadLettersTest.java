package io.flux.supervision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.FailureReport;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.ledger.Created;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.data.redis.core.StringRedisTemplate;

/** What operators do with dead letters, with a real Redis. */
@Timeout(30)
class DeadLettersTest {
    private static final FailureReport FAILURE = new FailureReport(
            "engine_failed", "the engine broke", 3, 134, "GGML_ASSERT", "worker-1", 1_700_000_000_000L);
    private static final int LONGEST_ID = 128;

    private final StringRedisTemplate redis = RedisFixture.redis();
    private final Ledger ledger = RedisFixture.ledger();
    private final ObjectMapper mapper = new ObjectMapper();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final DeadLetters letters = new DeadLetters(ledger, mapper, () -> List.of(model));

    @Test
    void whereNothingDiedTheListIsEmpty() throws JsonProcessingException {
        assertThat(letters.list()).isEmpty();
    }

    @Test
    void theListSaysWhatDiedAndWhyTheNewestFirst() throws JsonProcessingException {
        String older = RedisFixture.name("job");
        die(older);
        die(id);
        redis.opsForHash().put(Keys.job(id), "created_ms", "1600000000000");
        List<DeadLetters.Report> reports = letters.list();
        assertThat(reports).extracting(DeadLetters.Report::requestId).containsExactly(id, older);
        assertThat(mapper.writeValueAsString(reports.get(0)))
                .as("what was asked is not in the list")
                .isEqualTo("{\"request_id\":\"" + id + "\",\"model\":\"" + model + "\",\"created_ms\":1600000000000,"
                        + "\"failure\":{\"code\":\"engine_failed\",\"error\":\"the engine broke\",\"attempts\":3,"
                        + "\"exit_code\":134,\"stderr\":\"GGML_ASSERT\",\"worker\":\"worker-1\","
                        + "\"died_ms\":1700000000000}}");
    }

    @Test
    void aLetterWhoseTimeIsOverIsNotListed() throws JsonProcessingException {
        die(id);
        redis.delete(Keys.job(id));
        assertThat(letters.list()).isEmpty();
    }

    @Test
    void oneIsShownWithWhatWasAsked() throws JsonProcessingException {
        die(id);
        redis.opsForHash().put(Keys.job(id), "created_ms", "1600000000000");
        assertThat(mapper.writeValueAsString(letters.show(id)))
                .isEqualTo(
                        "{\"request_id\":\"" + id + "\",\"model\":\"" + model + "\",\"created_ms\":1600000000000,"
                                + "\"failure\":{\"code\":\"engine_failed\",\"error\":\"the engine broke\",\"attempts\":3,"
                                + "\"exit_code\":134,\"stderr\":\"GGML_ASSERT\",\"worker\":\"worker-1\","
                                + "\"died_ms\":1700000000000},"
                                + "\"request\":{\"model\":\"" + model + "\",\"prompt\":\"Grüße 🌙\",\"max_tokens\":10,"
                                + "\"temperature\":0.7,\"stop\":[\"\\n\"],\"timeout_ms\":60000,\"on_disconnect\":\"cancel\",\"priority\":\"normal\"}}");
    }

    @Test
    void whatIsNotKnownOfAFailureIsLeftOut() throws JsonProcessingException {
        FailureReport lost = new FailureReport("engine_failed", "the worker was lost", 3, null, null, null, 1L);
        die(id, lost);
        assertThat(letters.show(id).failure()).isEqualTo(lost);
        assertThat(mapper.writeValueAsString(letters.show(id)))
                .contains("\"failure\":{\"code\":\"engine_failed\",\"error\":\"the worker was lost\",\"attempts\":3,"
                        + "\"died_ms\":1}");
    }

    @Test
    void aReplayIsTheSameRequestUnderAnotherIdAndRunsWhetherFollowedOrNot() throws JsonProcessingException {
        die(id);
        assertThat(letters.replay(id)).isEqualTo(request(id).as(id + ".replay", OnDisconnect.FINISH));
        assertThat(letters.replay(id)).as("always the same one").isEqualTo(letters.replay(id));
        assertThat(letters.list()).as("until it is in the queue").hasSize(1);
    }

    @Test
    void aReplayIsItsTenantsAndNoBoundOfThatRefusesIt() throws JsonProcessingException {
        die(id + "@acme");
        assertThat(letters.replay(id + "@acme").requestId()).isEqualTo(id + ".replay@acme");
        assertThat(letters.replayer().jobs()).isZero();
    }

    @Test
    void aReplayThatDiesMayBeReplayed() throws JsonProcessingException {
        String replay = id + ".replay";
        die(replay);
        assertThat(letters.replay(replay).requestId()).isEqualTo(id + ".replay.replay");
    }

    @ParameterizedTest
    @ValueSource(ints = {121, 122, LONGEST_ID})
    void aLongIdsReplayHasAnIdThatIsNotTooLongAndAlwaysTheSame(int length) throws JsonProcessingException {
        String mine = id(length);
        String other = id(length);
        die(mine);
        die(other);
        String replay = letters.replay(mine).requestId();
        assertThat(replay).matches("[A-Za-z0-9._:-]{1,128}").endsWith(".replay").isNotEqualTo(mine);
        assertThat(letters.replay(mine).requestId()).isEqualTo(replay);
        assertThat(letters.replay(other).requestId()).isNotEqualTo(replay);
    }

    @Test
    void aReplayedLetterLeavesTheListAndCanStillBeRead() throws JsonProcessingException {
        die(id);
        JobRequest replay = letters.replay(id);
        DeadLetters.Replayed replayed = letters.replayed(id, replay, Created.NEW);
        assertThat(mapper.writeValueAsString(replayed))
                .isEqualTo("{\"request_id\":\"" + id + ".replay\",\"replays\":\"" + id + "\"}");
        assertThatThrownBy(() -> letters.replayed(id, replay, Created.EXISTS))
                .isInstanceOf(Refusal.class)
                .hasMessage("dead letter " + id + " was replayed before, as " + id + ".replay");
        assertThat(letters.list()).isEmpty();
        assertThat(letters.show(id).requestId()).isEqualTo(id);
        assertThat(ledger.read(id, 0, 10).entries()).hasSize(1);
        assertThat(letters.replay(id)).as("should it have been interrupted").isEqualTo(replay);
    }

    @Test
    void aDroppedLetterIsGoneWithItsJob() throws JsonProcessingException {
        String other = RedisFixture.name("job");
        die(other);
        die(id);
        letters.drop(id);
        assertThat(letters.list()).extracting(DeadLetters.Report::requestId).containsExactly(other);
        assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        notFound(() -> letters.drop(id));
    }

    @Test
    void whatIsNoLetterIsNotFound() {
        everythingIsNotFound();
        ledger.create(id, model, "{}", null, "grace", false);
        ledger.start(id, "worker", "claim");
        everythingIsNotFound();
        ledger.finish(id, 1, 1, "{}", "stop");
        everythingIsNotFound();
        assertThat(ledger.read(id, 0, 10).known())
                .as("a drop deletes dead letters only")
                .isTrue();
    }

    private void everythingIsNotFound() {
        notFound(() -> letters.show(id));
        notFound(() -> letters.replay(id));
        notFound(() -> letters.drop(id));
    }

    private void notFound(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(Refusal.class, refusal -> assertThat(refusal.event())
                .isEqualTo(Event.Error.answer(id, "not_found", "there is no dead letter " + id, "request_id")));
    }

    private static String id(int length) {
        String name = RedisFixture.name("job");
        return name + "x".repeat(length - name.length());
    }

    private JobRequest request(String job) {
        return new JobRequest(
                job,
                model,
                "Grüße 🌙",
                null,
                10,
                0.7,
                null,
                null,
                null,
                null,
                List.of("\n"),
                null,
                null,
                60_000L,
                OnDisconnect.CANCEL,
                null,
                null,
                false);
    }

    private void die(String job) throws JsonProcessingException {
        die(job, FAILURE);
    }

    private void die(String job, FailureReport failure) throws JsonProcessingException {
        ledger.create(job, model, mapper.writeValueAsString(request(job)), null, "cancel", false);
        ledger.start(job, "worker-1", "claim");
        ledger.die(job, 1, 1, "{}", "engine_failed", mapper.writeValueAsString(failure), Duration.ofHours(3));
        ledger.bury(job, model);
    }
}
