package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.engine.EngineJob;
import io.flux.job.ChatTemplate;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.JobRequest;
import io.flux.ledger.FencedException;
import io.flux.ledger.Keys;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.flux.ledger.Write;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** From a popped id to what the engine is asked, against a real Redis. */
@Timeout(30)
class ClaimsTest {
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final ObjectMapper mapper = new ObjectMapper();
    private final EventJson json = new EventJson(mapper);
    private final Ledger ledger = RedisFixture.ledger();
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");
    private final Claims claims = new Claims(ledger, mapper, model, "worker-1", LEASE);
    private final Prompts prompts = new Prompts(ChatTemplate.CHATML);
    private long seq;

    @BeforeEach
    void submit() throws JsonProcessingException {
        JobRequest request = new JobRequest(
                id, model, "Write me a poem", null, 10, 0.5, 0.9, 40, 0.05, 7L, List.of("END"), null, null);
        ledger.create(id, model, mapper.writeValueAsString(request));
        ledger.enqueue(id, model, 10);
        ledger.accept(id);
    }

    @Test
    void aPoppedJobIsLeasedOnceAndStarted() throws JsonProcessingException {
        assertThat(claims.lease(id)).as("not popped").isFalse();
        pop();
        assertThat(claims.lease(id)).isTrue();
        assertThat(claims.lease(id)).isFalse();
        Attempt attempt = claims.start(id);
        assertThat(attempt.requestId()).isEqualTo(id);
        assertThat(attempt.number()).isEqualTo(1);
        assertThat(attempt.model()).isEqualTo(model);
        assertThat(attempt.soFar()).isEqualTo(Transcript.EMPTY);
        assertThat(attempt.nextSeq()).isEqualTo(1);
    }

    @Test
    void whatRunsElsewhereIsNotStarted() throws JsonProcessingException {
        claims.start(id);
        assertThatThrownBy(() -> claims.start(id)).isInstanceOf(FencedException.class);
    }

    @Test
    void whatIsGoneOrHasEndedIsNotStarted() throws JsonProcessingException {
        assertThat(claims.start("no-such-job")).isNull();
        ledger.cancel(id, "{\"seq\":", "}");
        assertThat(claims.start(id)).isNull();
    }

    @Test
    void leasesAreRenewedAndThoseThatAreLostAreNamed() {
        pop();
        claims.lease(id);
        assertThat(claims.renew(Set.of(id))).isEmpty();
        assertThat(claims.renew(Set.of(id, "lost"))).containsExactly("lost");
        assertThat(claims.renew(Set.of())).isEmpty();
    }

    @Test
    void aJobIsGivenBackToTheFrontOfItsQueue() {
        pop();
        claims.lease(id);
        ledger.enqueue("later", model, 10);
        assertThat(claims.requeue(id)).isTrue();
        assertThat(claims.requeue(id)).isFalse();
        assertThat(RedisFixture.redis().opsForList().range(Keys.waiting(model), 0, -1))
                .containsExactly("later", id);
    }

    @Test
    void theFirstAttemptIsAskedForTheWholeAnswer() throws JsonProcessingException {
        assertThat(prompts.prepare(claims.start(id)))
                .isEqualTo(new EngineJob(
                        id,
                        1,
                        model,
                        "<|im_start|>user\nWrite me a poem<|im_end|>\n<|im_start|>assistant\n",
                        10,
                        0.5,
                        0.9,
                        40,
                        0.05,
                        7L,
                        List.of("END")));
    }

    @Test
    void theNextAttemptGoesOnAfterTheTextSoFarWithTheRestOfTheBudget() throws JsonProcessingException {
        claims.start(id);
        start(1);
        token(1, "The sea ");
        token(1, "is \"wide\" 🌙");
        token(1, "\n");
        ledger.retry(id, 1);
        Attempt second = claims.start(id);
        assertThat(second.number()).isEqualTo(2);
        assertThat(second.nextSeq()).isEqualTo(5);
        EngineJob job = prompts.prepare(second);
        assertThat(job.attempt()).isEqualTo(2);
        assertThat(job.prompt())
                .isEqualTo("<|im_start|>user\nWrite me a poem<|im_end|>\n<|im_start|>assistant\n"
                        + "The sea is \"wide\" 🌙\n");
        assertThat(job.maxTokens()).as("10, less at least one for each piece").isEqualTo(7);
    }

    @Test
    void theTextOfEveryEarlierAttemptCounts() throws JsonProcessingException {
        claims.start(id);
        start(1);
        token(1, "one ");
        ledger.retry(id, 1);
        claims.start(id);
        restart(2, "continue");
        token(2, "two ");
        ledger.retry(id, 2);
        assertThat(claims.start(id).soFar()).isEqualTo(new Transcript("one two ", 2));
    }

    @Test
    void textThatWasTakenBackDoesNotCount() throws JsonProcessingException {
        claims.start(id);
        start(1);
        token(1, "wrong");
        ledger.retry(id, 1);
        claims.start(id);
        restart(2, "reset");
        token(2, "right");
        ledger.retry(id, 2);
        assertThat(claims.start(id).soFar()).isEqualTo(new Transcript("right", 1));
    }

    @Test
    void aLongTranscriptIsReadWhole() throws JsonProcessingException {
        claims.start(id);
        start(1);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 1100; i++) {
            token(1, i + " ");
            text.append(i).append(' ');
        }
        ledger.retry(id, 1);
        Attempt second = claims.start(id);
        assertThat(second.soFar()).isEqualTo(new Transcript(text.toString(), 1100));
        assertThat(prompts.prepare(second).maxTokens())
                .as("one more token at least, or the engine would be asked for nothing")
                .isEqualTo(1);
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

    private void pop() {
        RedisFixture.redis().opsForList().rightPopAndLeftPush(Keys.waiting(model), Keys.claimed(model));
    }
}
