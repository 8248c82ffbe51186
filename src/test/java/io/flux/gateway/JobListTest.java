package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.flux.gateway.JobList.Listed;
import io.flux.job.Refusal;
import io.flux.ledger.Ledger;
import io.flux.ledger.RedisFixture;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What operators are told of the jobs in a real Redis. */
class JobListTest {
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final Ledger ledger = RedisFixture.ledger();
    private final String model = RedisFixture.name("model");
    private final JobList list = new JobList(ledger, () -> List.of(model, "idle"));

    private String queued(String tenant) {
        String id = RedisFixture.name("job") + "@" + tenant;
        ledger.create(id, model, "{\"prompt\":\"secret\"}", null, "finish", false);
        ledger.enqueue(id, model, RedisFixture.arrival(10), null, null);
        ledger.accept(id);
        return id;
    }

    private void claim(String id) {
        assertThat(ledger.claim(model, "claim of " + id, LEASE)).isEqualTo(id);
    }

    private void start(String id, String worker) {
        claim(id);
        ledger.start(id, worker, "claim of " + id);
    }

    private JobList.Jobs jobs(String limit) {
        return list.list(model, limit).get(0);
    }

    @Test
    void thoseThatRunComeBeforeThoseThatWaitAndEachSaysWhereItIs() {
        String runs = queued("acme");
        start(runs, "worker-1");
        String retries = queued("acme");
        start(retries, "worker-2");
        ledger.retry(retries, 1, true, "engine_failed");
        ledger.requeue(retries, model, Duration.ofSeconds(30));
        String claimed = queued("acme");
        claim(claimed);
        String first = queued("acme");
        String second = queued("acme");

        assertThat(jobs(null).running()).isEqualTo(3);
        assertThat(jobs(null).waiting()).isEqualTo(2);
        List<Listed> listed = jobs(null).jobs();
        assertThat(listed)
                .extracting(Listed::requestId, Listed::state, Listed::position, Listed::attempts, Listed::worker)
                .contains(
                        tuple(runs, "running", null, 1, "worker-1"),
                        tuple(retries, "retrying", null, 1, "worker-2"),
                        tuple(claimed, "queued", null, 0, null));
        assertThat(listed.subList(3, 5))
                .extracting(Listed::requestId, Listed::state, Listed::position, Listed::attempts, Listed::worker)
                .containsExactly(tuple(first, "queued", 1, 0, null), tuple(second, "queued", 2, 0, null));
        assertThat(listed).allSatisfy(job -> {
            assertThat(job.tenant()).isEqualTo("acme");
            assertThat(job.ageMs()).isBetween(0L, 60_000L);
            assertThat(job.attemptMs() != null).isEqualTo(job.state().equals("running"));
        });
    }

    @Test
    void aJobThatHasEndedAndHasALeaseStillIsNotListed() {
        String ended = queued("acme");
        start(ended, "worker-1");
        ledger.finish(ended, 1, 1, "{}", "stop");

        assertThat(jobs(null).running()).isEqualTo(1);
        assertThat(jobs(null).jobs()).isEmpty();
    }

    @Test
    void noMoreThanTheLimitAreListedAndAllAreCounted() {
        start(queued("acme"), "worker-1");
        queued("acme");
        queued("acme");

        assertThat(jobs("2").jobs()).hasSize(2);
        assertThat(jobs("2").waiting()).isEqualTo(2);
    }

    @Test
    void everyModelWithAQueueIsThereUnlessOneIsAskedFor() {
        assertThat(list.list(null, null)).extracting(JobList.Jobs::model).containsExactly("idle", model);
        assertThat(list.list("", null)).hasSize(2);
        assertThat(list.list("idle", null)).extracting(JobList.Jobs::model).containsExactly("idle");
        assertThatThrownBy(() -> list.list("nobody", null)).isInstanceOfSatisfying(Refusal.class, refusal -> assertThat(
                        refusal.event().code())
                .isEqualTo("not_found"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1001", "-1", "many", "", "99999999999", "1,2"})
    void anotherLimitIsRefusedByItsName(String limit) {
        assertThatThrownBy(() -> list.list(null, limit)).isInstanceOfSatisfying(Refusal.class, refusal -> {
            assertThat(refusal.event().code()).isEqualTo("invalid_request");
            assertThat(refusal.event().field()).isEqualTo("limit");
        });
    }
}
