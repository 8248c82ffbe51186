package io.flux.supervision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.EventJson;
import io.flux.job.Refusal;
import io.flux.ledger.Ended;
import io.flux.ledger.Ended.Outcome;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.LastEvent;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import io.flux.ledger.Write;
import io.flux.observe.EndedJobs;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How jobs end that their workers do not end, with a real Redis. */
@Timeout(30)
class EndingsTest {
    private final Ledger ledger = RedisFixture.ledger();
    private final Endings endings =
            new Endings(ledger, new EventJson(new ObjectMapper()), new EndedJobs(new SimpleMeterRegistry()));
    private final String model = RedisFixture.name("model");
    private final String id = RedisFixture.name("job");

    @ParameterizedTest
    @ValueSource(strings = {"cancelled", "deadline"})
    void aJobOfWhichNothingWasGeneratedEndsWithNoTokens(String reason) {
        create(id);
        ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
        String channel = RedisFixture.name("flux:gateway:");
        String complete = "{\"type\":\"complete\",\"request_id\":\"" + id + "\",\"seq\":1,\"finish_reason\":\"" + reason
                + "\",\"token_count\":0}";
        try (var unused = RedisFixture.subscribe(channel, heard::add)) {
            ledger.follow(id, channel, 0, 10);
            assertThat(endings.end(id, reason, null)).isEqualTo(new Ended(Outcome.ENDED, model, null));
            await().until(() -> !heard.isEmpty());
        }
        assertThat(heard).containsExactly(id + " 1 ! " + complete);
        assertThat(frames(id)).containsExactly(complete);
    }

    @Test
    void aJobThatHadBegunDoesNotClaimToKnowItsTokens() {
        create(id);
        ledger.start(id, "worker", "claim");
        for (int seq = 1; seq <= 11; seq++) {
            ledger.append(id, 1, seq, "{}");
        }
        ledger.retry(id, 1, true, "engine_failed");
        assertThat(endings.end(id, "deadline", null).outcome()).isEqualTo(Outcome.ENDED);
        assertThat(frames(id).get(11))
                .isEqualTo("{\"type\":\"complete\",\"request_id\":\"" + id
                        + "\",\"seq\":12,\"finish_reason\":\"deadline\"}");
    }

    @Test
    void aRunningJobIsLeftToItsWorker() {
        create(id);
        ledger.start(id, "worker-1", "claim");
        assertThat(endings.end(id, "deadline", null)).isEqualTo(new Ended(Outcome.RUNNING, model, "worker-1"));
        assertThat(ledger.check(id, 1)).isEqualTo(Write.DEADLINE);
        assertThat(frames(id)).isEmpty();
    }

    @Test
    void endingTwiceEndsOnce() {
        create(id);
        assertThat(endings.end(id, "cancelled", null).outcome()).isEqualTo(Outcome.ENDED);
        assertThat(endings.end(id, "deadline", null).outcome()).isEqualTo(Outcome.DONE);
        assertThat(frames(id)).hasSize(1);
    }

    @Test
    void anIdThatLooksLikeANumberedEventIsAnId() {
        String odd = RedisFixture.name("seq:0");
        create(odd);
        endings.end(odd, "cancelled", null);
        assertThat(frames(odd))
                .containsExactly("{\"type\":\"complete\",\"request_id\":\"" + odd
                        + "\",\"seq\":1,\"finish_reason\":\"cancelled\",\"token_count\":0}");
    }

    @Test
    void anEventIsTakenApartWhereItsNumberStands() {
        Event error = new Event.Error("a", 0L, "engine_failed", "it said \"seq\":0", null, null);
        Event other = new Event.Error("a", 0L, "engine_failed", "nothing", null, null);
        assertThat(endings.around(error, other))
                .isEqualTo(new LastEvent(
                        "{\"type\":\"error\",\"request_id\":\"a\",\"seq\":",
                        ",\"code\":\"engine_failed\",\"error\":\"nothing\"}",
                        ",\"code\":\"engine_failed\",\"error\":\"it said \\\"seq\\\":0\"}"));
    }

    @Test
    void whoCancelsAJobThatIsNotThereIsTold() {
        assertThat(refusal(endings.end(id, "cancelled", null)))
                .isEqualTo(Event.Error.answer(
                        id, "not_found", "there is no job " + id + "; it may have expired", "request_id"));
    }

    @Test
    void whoCancelsTooLateIsTold() {
        create(id);
        endings.end(id, "cancelled", null);
        assertThat(refusal(endings.end(id, "cancelled", null)))
                .isEqualTo(Event.Error.answer(
                        id, "already_finished", "job " + id + " had ended before it was cancelled", "request_id"));
    }

    @ParameterizedTest
    @EnumSource(
            value = Outcome.class,
            names = {"ENDED", "RUNNING"})
    void whoCancelsInTimeIsNotBothered(Outcome outcome) {
        assertThatCode(() -> endings.requireEffect(new Ended(outcome, model, null), id))
                .doesNotThrowAnyException();
    }

    private Event refusal(Ended ended) {
        var thrown = new Event[1];
        assertThatThrownBy(() -> endings.requireEffect(ended, id))
                .isInstanceOfSatisfying(Refusal.class, refusal -> thrown[0] = refusal.event());
        return thrown[0];
    }

    private void create(String job) {
        ledger.create(job, model, "{}", null, "grace", false);
        ledger.accept(job);
    }

    private List<String> frames(String job) {
        return ledger.read(job, 0, 100).entries().stream()
                .map(JournalEntry::frame)
                .toList();
    }
}
