package io.flux.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.JobReports;
import io.flux.job.JobRequest;
import io.flux.job.OnDisconnect;
import io.flux.job.Refusal;
import io.flux.ledger.CallbackLedger;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.flux.model.Secret;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.data.redis.core.StringRedisTemplate;

@Timeout(60)
class CallbacksTest {
    private static final String URL = "https://client.example/secret-path";

    private final StringRedisTemplate redis = RedisFixture.redis();
    private final Ledger ledger = RedisFixture.ledger();
    private final ObjectMapper mapper = new ObjectMapper();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Callbacks callbacks = new Callbacks(
            new CallbackLedger(redis),
            ledger,
            new JobReports(ledger, mapper)::of,
            mapper,
            Secret.of("secret"),
            registry,
            Clock.systemUTC(),
            new Callbacks.Terms(3, Duration.ZERO, Duration.ofDays(7)));
    private String id;
    private String model;

    @BeforeEach
    void noneIsExpected() {
        redis.delete(redis.keys("flux:{callbacks}:*"));
        id = RedisFixture.name("job");
        model = RedisFixture.name("model");
    }

    private JobRequest create() throws IOException {
        JobRequest request = new JobRequest(
                id,
                model,
                "x",
                null,
                5,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                OnDisconnect.FINISH,
                null,
                URL,
                false);
        ledger.create(id, model, mapper.writeValueAsString(request), null, "finish", true);
        ledger.accept(id);
        callbacks.expect(request);
        return request;
    }

    private void end() {
        ledger.start(id, "worker", "claim");
        ledger.append(id, 1, 1, "{\"type\":\"token\",\"request_id\":\"" + id + "\",\"seq\":1,\"content\":\"Salt\"}");
        ledger.finish(
                id,
                1,
                2,
                "{\"type\":\"complete\",\"request_id\":\"" + id + "\",\"seq\":2,\"finish_reason\":\"stop\"}",
                "stop");
    }

    private Callbacks.Posting prepared() throws IOException {
        callbacks.ended(id);
        assertThat(callbacks.due()).containsExactly(id);
        return callbacks.prepare(id);
    }

    @Test
    void anAnswerIsDueWhenItsJobHasEndedAndNotBefore() throws IOException {
        create();
        assertThat(callbacks.due()).as("it is looked at later").isEmpty();
        callbacks.ended(id); // a word that is not true
        assertThat(callbacks.due()).containsExactly(id);
        assertThat(callbacks.prepare(id)).isNull();
        assertThat(callbacks.due()).isEmpty();
        end();
        Callbacks.Posting posting = prepared();
        assertThat(posting.url()).isEqualTo(URL);
        assertThat(mapper.readTree(posting.body()).path("text").asText()).isEqualTo("Salt");
        assertThat(posting.attempt()).isEqualTo(1);
        assertThat(callbacks.due()).as("it is this gateway's for a while").isEmpty();
        callbacks.answered(posting, 204);
        callbacks.ended(id);
        assertThat(callbacks.due()).as("taken once").isEmpty();
        assertThat(registry.counter("flux.callbacks", "outcome", "delivered").count())
                .isEqualTo(1);
    }

    @Test
    void theEndOfAJobIsTold() throws Exception {
        var heard = new java.util.concurrent.CopyOnWriteArrayList<String>();
        var subscription = RedisFixture.subscribe(CallbackLedger.ENDED, heard::add);
        try {
            create();
            end();
            await().untilAsserted(() -> assertThat(heard).contains(id));
        } finally {
            subscription.close();
        }
    }

    @Test
    void oneThatIsNotTakenIsPostedAgainAndThenADeadLetterThatCanBePostedOnceMore() throws IOException {
        create();
        end();
        callbacks.answered(prepared(), 500);
        for (int attempt = 2; attempt <= 3; attempt++) {
            assertThat(callbacks.due()).containsExactly(id);
            Callbacks.Posting posting = callbacks.prepare(id);
            assertThat(posting.attempt()).isEqualTo(attempt);
            assertThat(posting.messageId()).isEqualTo(id);
            callbacks.failed(posting, new IOException("refused"));
        }
        assertThat(callbacks.due()).isEmpty();
        assertThat(callbacks.dead()).singleElement().satisfies(letter -> {
            assertThat(letter.requestId()).isEqualTo(id);
            assertThat(letter.attempts()).isEqualTo(3);
            assertThat(letter.reason()).contains("refused");
            assertThat(letter.host()).isEqualTo("client.example");
        });
        assertThat(mapper.writeValueAsString(callbacks.dead())).doesNotContain("secret-path");
        assertThat(redis.getExpire("flux:{" + id + "}:job"))
                .isGreaterThan(Duration.ofDays(6).toSeconds());
        callbacks.replay(id);
        assertThat(callbacks.dead()).isEmpty();
        assertThat(callbacks.due()).containsExactly(id);
        assertThat(callbacks.prepare(id).attempt()).isEqualTo(1);
        assertThat(catchThrowableOfType(Refusal.class, () -> callbacks.replay(id))
                        .event()
                        .code())
                .isEqualTo("not_found");
    }

    @Test
    void oneThatIsNotWantedAnyMoreOrMayNotBePostedIsADeadLetterAtOnce() throws IOException {
        create();
        end();
        callbacks.answered(prepared(), 410);
        assertThat(callbacks.dead()).hasSize(1);
        callbacks.replay(id);
        assertThat(callbacks.due()).containsExactly(id);
        callbacks.failed(
                callbacks.prepare(id), new IOException(new CallbackTargets.PrivateAddressException("client.example")));
        assertThat(callbacks.dead()).singleElement().satisfies(letter -> assertThat(letter.reason())
                .contains("private address"));
        callbacks.drop(id);
        assertThat(callbacks.dead()).isEmpty();
    }

    @Test
    void oneThatWasExpectedBeforeRedissClockWasSetBackIsLookedAtNow() throws IOException {
        create();
        redis.opsForZSet()
                .incrementScore("flux:{callbacks}:due", id, Duration.ofHours(1).toMillis());
        assertThat(callbacks.due()).containsExactly(id);
        assertThat(callbacks.due()).isEmpty();
    }

    @Test
    void aJobThatIsGoneIsNotLookedAtAgain() throws IOException {
        create();
        ledger.delete(id);
        callbacks.ended(id);
        assertThat(callbacks.due()).containsExactly(id);
        assertThat(callbacks.prepare(id)).isNull();
        assertThat(redis.hasKey("flux:{callbacks}:due")).isFalse();
    }
}
