package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.ledger.Cancelled;
import io.flux.ledger.Created;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Accepting and cancelling, step by step, against a real Redis. */
class SubmissionTest {
    private final Ledger ledger = RedisFixture.ledger();
    private final ObjectMapper mapper = new ObjectMapper();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Submission submission = new Submission(ledger, mapper, model, 2);
    private final Cancellation cancellation = new Cancellation(ledger);

    @Test
    void aModelThatNobodyServesIsRefusedNamingTheOneThatThereIs() {
        submission.requireModel(request(id, model, "x"));
        Event.Error error = catchThrowableOfType(
                        Refusal.class, () -> submission.requireModel(request(id, "gpt-9", "x")))
                .event();
        assertThat(error)
                .isEqualTo(Event.Error.answer(id, "not_found", "model gpt-9 is not served; known: " + model, "model"));
    }

    @Test
    void theSameRequestIsAcceptedOnceAndAnotherUnderItsIdIsAConflict() throws JsonProcessingException {
        assertThat(submission.create(request(id, model, "x"))).isEqualTo(Created.NEW);
        assertThat(submission.enqueue(request(id, model, "x"))).isEqualTo(1);
        submission.accept(request(id, model, "x"));
        assertThat(submission.create(request(id, model, "x"))).isEqualTo(Created.EXISTS);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.create(request(id, model, "y")))
                .event();
        assertThat(error)
                .isEqualTo(Event.Error.answer(
                        id, "conflict", "request_id " + id + " belongs to a different request", "request_id"));
    }

    @Test
    void aFullQueueRefusesAndForgetsTheJob() throws JsonProcessingException {
        ledger.enqueue("a", model, 10);
        ledger.enqueue("b", model, 10);
        JobRequest request = request(id, model, "x");
        submission.create(request);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> submission.enqueue(request))
                .event();
        assertThat(error.code()).isEqualTo("overloaded");
        assertThat(error.error())
                .isEqualTo("2 jobs are waiting for model " + model + ", and no more are taken; try again later");
        assertThat(error.requestId()).isEqualTo(id);
        assertThat(RedisFixture.redis().keys("flux:{" + id + "}*")).isEmpty();
        assertThat(RedisFixture.redis().opsForList().range(Keys.waiting(model), 0, -1))
                .containsExactly("b", "a");
    }

    @Test
    void aWaitingJobThatIsCancelledEndsWithAWholeEvent() throws JsonProcessingException {
        JobRequest request = request(id, model, "x");
        submission.create(request);
        submission.accept(request);
        assertThat(cancellation.cancel(id).outcome()).isEqualTo(Cancelled.Outcome.ENDED);
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
        assertThat(catchThrowableOfType(Refusal.class, () -> cancellation.cancel(id))
                        .event()
                        .code())
                .isEqualTo("not_found");
        submission.create(request(id, model, "x"));
        cancellation.cancel(id);
        Event.Error error = catchThrowableOfType(Refusal.class, () -> cancellation.cancel(id))
                .event();
        assertThat(error.code()).isEqualTo("already_finished");
        assertThat(error.error()).isEqualTo("job " + id + " had ended before it was cancelled");
    }

    private static JobRequest request(String id, String model, String prompt) {
        return new JobRequest(id, model, prompt, null, 5, null, null, null, null, null, null, null, null);
    }
}
