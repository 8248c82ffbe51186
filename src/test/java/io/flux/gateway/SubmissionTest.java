package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Priority;
import io.flux.job.Refusal;
import io.flux.job.Requests;
import io.flux.ledger.Created;
import io.flux.ledger.Ended;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.Place;
import io.flux.ledger.RedisFixture;
import io.flux.observe.EndedJobs;
import io.flux.supervision.Endings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Accepting and cancelling, step by step, against a real Redis. */
class SubmissionTest {
    private final Ledger ledger = RedisFixture.ledger();
    private final ObjectMapper mapper = new ObjectMapper();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Submission submission = new Submission(ledger, mapper, 2, Duration.ofSeconds(20));
    private final Endings endings =
            new Endings(ledger, new EventJson(mapper), new EndedJobs(new SimpleMeterRegistry()));

    @Test
    void theSameRequestIsAcceptedOnceAndAnotherUnderItsIdIsAConflict() throws JsonProcessingException {
        assertThat(submission.create(request(id, model, "x"), null)).isEqualTo(Created.NEW);
        assertThat(submission.enqueue(request(id, model, "x"), Caller.ANYBODY)).isEqualTo(new Place(1, 0));
        submission.accept(request(id, model, "x"));
        assertThat(submission.create(request(id, model, "x"), null)).isEqualTo(Created.EXISTS);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.create(request(id, model, "y"), null))
                .event();
        assertThat(error)
                .isEqualTo(Event.Error.answer(
                        id, "conflict", "request_id " + id + " belongs to a different request", "request_id"));
    }

    @Test
    void aFullQueueRefusesAndForgetsTheJob() throws JsonProcessingException {
        ledger.enqueue("a", model, RedisFixture.arrival(10), null, null);
        ledger.enqueue("b", model, RedisFixture.arrival(10), null, null);
        JobRequest request = request(id, model, "x");
        submission.create(request, null);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.enqueue(request, Caller.ANYBODY))
                .event();
        assertThat(error.code()).isEqualTo("overloaded");
        assertThat(error.error())
                .isEqualTo("2 jobs are waiting for model " + model + ", and no more are taken; try again later");
        assertThat(error.requestId()).isEqualTo(id);
        assertThat(error.retryAfterMs()).as("not known, and not guessed").isNull();
        assertThat(RedisFixture.redis().keys("flux:{" + id + "}*")).isEmpty();
        assertThat(ledger.order(model)).containsExactly("a", "b");
    }

    @Test
    void aTenantThatHasAsManyJobsAsItMayIsToldSoAndItsJobIsForgotten() throws JsonProcessingException {
        pace("1500.7");
        Caller acme = new Caller("acme", Set.of(), 2, null, false);
        for (String job : List.of("first@acme", "second@acme")) {
            assertThat(submission.enqueue(request(job, model, "x"), acme).isRefused())
                    .isFalse();
        }
        JobRequest request = request(id + "@acme", model, "x");
        submission.create(request, null);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.enqueue(request, acme))
                .event();
        assertThat(error)
                .isEqualTo(new Event.Error(
                        id + "@acme",
                        null,
                        "too_many_jobs",
                        "tenant acme may have 2 jobs of model " + model
                                + " waiting or running at once, and has them; try again when one has ended",
                        null,
                        1500L));
        assertThat(RedisFixture.redis().keys("flux:{" + id + "@acme}*")).isEmpty();
        assertThat(submission.enqueue(request(id + "@other", model, "x"), Caller.ANYBODY))
                .as("the queue is full, and another's share of it is not")
                .isEqualTo(new Place(2, 1500));
    }

    @ParameterizedTest
    @EnumSource
    void urgentJobsGoBeforeThoseThatAreLess(Priority priority) {
        ledger.enqueue("normal", model, RedisFixture.arrival(10), null, null);
        submission.enqueue(request(id, model, "x", priority), Caller.ANYBODY);
        ledger.enqueue("later", model, RedisFixture.arrival(10), null, null);
        assertThat(ledger.order(model).indexOf(id)).isEqualTo(priority.ordinal());
    }

    @Test
    void aWaitingJobThatIsCancelledEndsWithAWholeEvent() throws JsonProcessingException {
        JobRequest request = request(id, model, "x");
        submission.create(request, null);
        submission.accept(request);
        Ended ended = endings.end(id, "cancelled", null);
        endings.requireEffect(ended, id);
        assertThat(ended).isEqualTo(new Ended(Ended.Outcome.ENDED, model, null));
        List<JournalEntry> journal = ledger.read(id, 0, 10).entries();
        JsonNode event = mapper.readTree(journal.get(0).frame());
        assertThat(journal).hasSize(1);
        assertThat(event.get("type").textValue()).isEqualTo("complete");
        assertThat(event.get("request_id").textValue()).isEqualTo(id);
        assertThat(event.get("seq").longValue()).isEqualTo(1);
        assertThat(event.get("finish_reason").textValue()).isEqualTo("cancelled");
    }

    @Test
    void cancellingWhatThereIsNotOrWhatHasEndedIsRefused() throws JsonProcessingException {
        assertThat(cancelRefused().code()).isEqualTo("not_found");
        submission.create(request(id, model, "x"), null);
        endings.end(id, "cancelled", null);
        Event.Error error = cancelRefused();
        assertThat(error.code()).isEqualTo("already_finished");
        assertThat(error.error()).isEqualTo("job " + id + " had ended before it was cancelled");
    }

    private Event.Error cancelRefused() {
        return catchThrowableOfType(Refusal.class, () -> endings.requireEffect(endings.end(id, "cancelled", null), id))
                .event();
    }

    @Test
    void aFullQueueSaysWhenToComeBackOnceItsPaceIsKnown() throws JsonProcessingException {
        pace("1500.7");
        ledger.enqueue("a", model, RedisFixture.arrival(10), null, null);
        ledger.enqueue("b", model, RedisFixture.arrival(10), null, null);
        JobRequest request = request(id, model, "x");
        submission.create(request, null);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.enqueue(request, Caller.ANYBODY))
                .event();
        assertThat(error.code()).isEqualTo("overloaded");
        assertThat(error.retryAfterMs()).isEqualTo(1500);
    }

    @Test
    void aPlaceInTheQueueSaysHowLongItTakesOnceThePaceIsKnown() throws JsonProcessingException {
        pace("1500.7");
        ledger.enqueue("a", model, RedisFixture.arrival(10), null, null);
        JobRequest request = request(id, model, "x");
        submission.create(request, null);
        Place place = submission.enqueue(request, Caller.ANYBODY);
        assertThat(place).isEqualTo(new Place(2, 1500));
        assertThat(place.etaMs()).isEqualTo(3000);
    }

    @Test
    void aRequestThatWasRefusedWhileItsTwinWasPutInLineIsRefusedToo() {
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.accept(request(id, model, "x")))
                .event();
        assertThat(error.code()).isEqualTo("overloaded");
    }

    @ParameterizedTest
    @EnumSource
    void aNewJobCountsAsFollowedUnlessItRunsAnyway(OnDisconnect onDisconnect) throws JsonProcessingException {
        JobRequest request = request(null, onDisconnect);
        submission.create(request, null);
        long before = System.currentTimeMillis();
        submission.enqueue(request, Caller.ANYBODY);
        Double till = RedisFixture.redis().opsForZSet().score(Keys.followed(model), id);
        if (onDisconnect == OnDisconnect.FINISH) {
            assertThat(till).isNull();
        } else {
            assertThat(till).isGreaterThanOrEqualTo(before + 20_000);
        }
        assertThat(RedisFixture.redis().opsForHash().get(Keys.job(id), "on_disconnect"))
                .isEqualTo(onDisconnect.wireName());
    }

    @Test
    void aJobWithATimeoutHasADeadlineAndOneWithoutHasNone() throws JsonProcessingException {
        JobRequest request = request(60_000L, OnDisconnect.GRACE);
        long before = System.currentTimeMillis();
        submission.create(request, null);
        submission.enqueue(request, Caller.ANYBODY);
        assertThat(RedisFixture.redis().opsForZSet().score(Keys.deadlines(model), id))
                .isGreaterThanOrEqualTo(before + 60_000);
        assertThat(ledger.start(id, "worker", "claim").leftMs()).isPositive().isLessThanOrEqualTo(60_000);
        String other = RedisFixture.name("job");
        submission.create(request(other, model, "x"), null);
        submission.enqueue(request(other, model, "x"), Caller.ANYBODY);
        assertThat(RedisFixture.redis().opsForZSet().score(Keys.deadlines(model), other))
                .isNull();
        assertThat(ledger.start(other, "worker", "claim").leftMs()).isNull();
    }

    /** As if jobs had ended in that rhythm, and one ran. */
    private void pace(String meanMs) {
        RedisFixture.redis().opsForHash().put(Keys.pace(model), "mean_ms", meanMs);
        RedisFixture.redis().opsForZSet().add(Keys.running(model), "runs", 1);
    }

    private JobRequest request(Long timeoutMs, OnDisconnect onDisconnect) {
        return Requests.prompt(id, model, "x", 5, timeoutMs, onDisconnect);
    }

    private static JobRequest request(String id, String model, String prompt) {
        return request(id, model, prompt, null);
    }

    private static JobRequest request(String id, String model, String prompt, Priority priority) {
        return new JobRequest(
                id, model, prompt, null, 5, null, null, null, null, null, null, null, null, null, null, priority, null,
                false);
    }
}
