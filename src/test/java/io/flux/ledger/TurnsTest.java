package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is served next, whom a full queue lets in, and what becomes of tickets; against a real Redis. */
@Timeout(60)
class TurnsTest extends LedgerFixture {
    private static final int HIGH = 1;
    private static final int NORMAL = 2;
    private static final int LOW = 3;
    private static final int PLENTY = 100_000;

    private static String tenant(String job) {
        int at = job.indexOf('@');
        return at < 0 ? "" : job.substring(at + 1);
    }

    private long enqueue(String job, int urgency, int limit, int tenantLimit) {
        Arrival arrival = new Arrival(tenant(job), urgency, limit, tenantLimit);
        return ledger.enqueue(job, model, arrival, null, null).position();
    }

    private long put(String job, int urgency) {
        return enqueue(job, urgency, PLENTY, 0);
    }

    private void put(String... jobs) {
        for (String job : jobs) {
            put(job, NORMAL);
        }
    }

    /** Serves until nobody waits, and says whom, in that order. */
    private List<String> serveAll() {
        List<String> served =
                Stream.generate(this::claim).takeWhile(job -> job != null).toList();
        assertThat(tickets()).as("every job had its ticket").isZero();
        return served;
    }

    @Nested
    class Order {
        @Test
        void tenThousandJobsOfOneTenantDoNotDelayTheFirstOfAnother() {
            for (int i = 0; i < 10_000; i++) {
                put("job-" + i + "@big");
            }
            assertThat(claim()).isEqualTo("job-0@big");
            assertThat(put("poem@small", LOW))
                    .as("behind one turn of the other")
                    .isEqualTo(2);
            assertThat(put("story@small", NORMAL)).as("more urgent").isEqualTo(2);
            assertThat(put("more@big", NORMAL)).isEqualTo(10_002);
            assertThat(claim()).isEqualTo("job-1@big");
            assertThat(claim()).isEqualTo("story@small");
            assertThat(claim()).isEqualTo("job-2@big");
            assertThat(claim()).isEqualTo("poem@small");
            assertThat(waiting()).hasSize(9_998).startsWith("job-3@big", "job-4@big");
        }

        @Test
        void ofATenantTheMostUrgentGoesFirstAndOfEquallyUrgentOnesTheOldest() {
            assertThat(put("l1@a", LOW)).isEqualTo(1);
            assertThat(put("n1@a", NORMAL)).isEqualTo(1);
            assertThat(put("n2@a", NORMAL)).isEqualTo(2);
            assertThat(put("h1@a", HIGH)).isEqualTo(1);
            assertThat(put("l2@a", LOW)).isEqualTo(5);
            assertThat(put("h2@a", HIGH)).isEqualTo(2);
            assertThat(serveAll()).containsExactly("h1@a", "h2@a", "n1@a", "n2@a", "l1@a", "l2@a");
        }

        @Test
        void urgentJobsOfOneTenantTakeNoTurnFromAnother() {
            put("l1@calm", LOW);
            put("l2@calm", LOW);
            put("h1@loud", HIGH);
            put("h2@loud", HIGH);
            put("h3@loud", HIGH);
            assertThat(serveAll()).containsExactly("l1@calm", "h1@loud", "l2@calm", "h2@loud", "h3@loud");
        }

        @Test
        void aTenantThatComesAgainJoinsAtTheBack() {
            put("1@a", "1@b", "1@c");
            assertThat(claim()).isEqualTo("1@a");
            put("2@a", "2@b");
            assertThat(serveAll()).containsExactly("1@b", "1@c", "2@a", "2@b");
        }

        @Test
        void jobsOfNobodyAreOneTenantsAndNamesThatAreAlikeAreNot() {
            put("1", "2", "1@a", "2@a", "1@a-b", "1@a0", "1@a_");
            assertThat(waiting()).containsExactly("1", "1@a", "1@a-b", "1@a0", "1@a_", "2", "2@a");
            assertThat(serveAll()).containsExactly("1", "1@a", "1@a-b", "1@a0", "1@a_", "2", "2@a");
        }

        @Test
        void aJobThatWasGivenBackGoesBeforeAllOthersAndCostsItsTenantNoTurn() {
            put("1@a", "2@a", "1@b", "2@b");
            assertThat(claim()).isEqualTo("1@a");
            put("0@b", HIGH);
            ledger.requeue("1@a", model, Duration.ZERO);
            assertThat(waiting()).containsExactly("1@a", "0@b", "2@a", "1@b", "2@b");
            assertThat(serveAll()).containsExactly("1@a", "0@b", "2@a", "1@b", "2@b");
        }

        @Test
        void jobsThatWereGivenBackGoInThatOrder() {
            put("1@a", "2@a", "3@a", "1@b");
            for (String job : List.of("1@a", "1@b", "2@a")) {
                assertThat(claim()).isEqualTo(job);
            }
            for (String job : List.of("2@a", "1@b", "1@a")) {
                ledger.requeue(job, model, Duration.ZERO);
            }
            assertThat(serveAll()).containsExactly("2@a", "1@b", "1@a", "3@a");
        }

        @Test
        void thePositionOfAJobThatIsInLineIsToldAgain() {
            put("1@a", "2@a", "1@b", "2@b");
            claim();
            ledger.requeue("1@a", model, Duration.ZERO);
            assertThat(waiting()).containsExactly("1@a", "1@b", "2@a", "2@b");
            for (String job : waiting()) {
                assertThat(put(job, NORMAL)).isEqualTo(waiting().indexOf(job) + 1);
            }
        }

        @Test
        void whenNobodyWaitsNothingIsLeftOfTheLine() {
            put("1@a", "2@a", "1");
            claim();
            ledger.requeue("1@a", model, Duration.ZERO);
            ledger.remove("2@a", model);
            serveAll();
            assertThat(redis.keys("flux:{" + model + "}*"))
                    .filteredOn(key -> !key.contains(":claim:"))
                    .containsExactly(Keys.running(model));
        }
    }

    @Nested
    class Bounds {
        @Test
        void aFullQueueTakesJobsOfATenantThatHasLessThanItsShare() {
            for (int i = 0; i < 4; i++) {
                assertThat(enqueue(i + "@big", NORMAL, 4, 0)).isPositive();
            }
            assertThat(enqueue("5@big", NORMAL, 4, 0)).isEqualTo(-4);
            assertThat(enqueue("1@small", NORMAL, 4, 0)).isEqualTo(2);
            assertThat(enqueue("2@small", NORMAL, 4, 0)).isEqualTo(4);
            assertThat(enqueue("3@small", NORMAL, 4, 0))
                    .as("two of four are its share")
                    .isEqualTo(-6);
            assertThat(enqueue("5@big", NORMAL, 4, 0)).isEqualTo(-6);
            assertThat(enqueue("1@third", NORMAL, 4, 0)).isEqualTo(3);
            assertThat(enqueue("2@third", NORMAL, 4, 0)).isEqualTo(6);
            assertThat(enqueue("3@third", NORMAL, 4, 0)).isEqualTo(-8);
        }

        @Test
        void jobsThatWereGivenBackCountForTheirTenant() {
            enqueue("1@a", NORMAL, 2, 0);
            claim();
            enqueue("2@a", NORMAL, 2, 0);
            ledger.requeue("1@a", model, Duration.ZERO);
            assertThat(enqueue("3@a", NORMAL, 2, 0)).isEqualTo(-2);
            assertThat(enqueue("1@b", NORMAL, 2, 0)).isEqualTo(3);
        }

        @Test
        void aTenantHasAsManyJobsAsItMayWaitingOrRunning() {
            assertThat(enqueue("1@a", NORMAL, 9, 3)).isEqualTo(1);
            assertThat(enqueue("2@a", NORMAL, 9, 3)).isEqualTo(2);
            claim();
            assertThat(enqueue("3@a", NORMAL, 9, 3)).isEqualTo(2);
            assertThat(enqueue("4@a", NORMAL, 9, 3)).isZero();
            assertThat(enqueue("3@a", NORMAL, 9, 3)).as("waits already").isEqualTo(2);
            assertThat(enqueue("1@b", NORMAL, 9, 3)).as("another's").isPositive();
            ledger.requeue("1@a", model, Duration.ZERO);
            assertThat(enqueue("4@a", NORMAL, 9, 3)).as("given back").isZero();
            assertThat(claim()).isEqualTo("1@a");
            ledger.release("1@a", model);
            assertThat(enqueue("4@a", NORMAL, 9, 3)).isPositive();
            assertThat(enqueue("5@a", NORMAL, 9, 4)).as("its bound was raised").isPositive();
        }

        @Test
        void ajobThatIsRefusedLeavesNothingBehind() {
            enqueue("1@a", NORMAL, 1, 1);
            Place tenants = ledger.enqueue(
                    "2@a", model, new Arrival("a", 2, 1, 1), Duration.ofMinutes(1), Duration.ofMinutes(1));
            assertThat(tenants.isRefused() && tenants.isTenantsLimit()).isTrue();
            Place full = ledger.enqueue(
                    "2@a", model, new Arrival("a", 2, 1, 0), Duration.ofMinutes(1), Duration.ofMinutes(1));
            assertThat(full.isRefused() && !full.isTenantsLimit()).isTrue();
            assertThat(waiting()).containsExactly("1@a");
            assertThat(tickets()).isEqualTo(1);
            assertThat(redis.hasKey(Keys.followed(model))).isFalse();
            assertThat(redis.hasKey(Keys.deadlines(model))).isFalse();
        }
    }

    @Nested
    class Tickets {
        @Test
        void thereIsOneForEachJobInLine() {
            put("1@a", "2@a", "1@b");
            assertThat(tickets()).isEqualTo(3);
            ledger.remove("2@a", model);
            assertThat(tickets()).isEqualTo(2);
            claim();
            assertThat(tickets()).isEqualTo(1);
            ledger.requeue("1@a", model, Duration.ZERO);
            assertThat(tickets()).isEqualTo(2);
        }

        @Test
        void oneTooManyFindsNothingAndIsGone() {
            redis.opsForList().leftPushAll(Keys.waiting(model), "1", "1", "1");
            assertThat(claim()).isNull();
            assertThat(redis.keys("flux:{" + model + "}*")).isEmpty();
            put("1@a", "2@a");
            redis.opsForList().leftPushAll(Keys.waiting(model), "1", "1", "1");
            assertThat(claim()).isEqualTo("1@a");
            assertThat(tickets()).as("those too many are taken away").isEqualTo(1);
        }

        @Test
        void aTicketThatAWorkerHoldsIsNotTakenFromAJob() {
            put("1@a", "2@a", "3@a");
            redis.opsForList().rightPop(Keys.waiting(model));
            redis.opsForList().rightPop(Keys.waiting(model));
            assertThat(ledger.claim(model, "first", LEASE)).isEqualTo("1@a");
            ledger.remove("3@a", model);
            assertThat(tickets()).isEqualTo(1);
            assertThat(ledger.claim(model, "second", LEASE)).isEqualTo("2@a");
            assertThat(claim()).isNull();
        }

        @Test
        void aClaimThatIsRepeatedGetsTheSameJobWithAWholeLease() {
            put("1@a", "2@a");
            assertThat(ledger.claim(model, "mine", Duration.ofSeconds(5))).isEqualTo("1@a");
            long soon = score(Keys.running(model), "1@a");
            assertThat(ledger.claim(model, "mine", LEASE)).isEqualTo("1@a");
            assertThat(score(Keys.running(model), "1@a")).isGreaterThan(soon);
            assertThat(ttl(Keys.claim(model, "mine"))).isBetween(1L, LEASE.toMillis());
            assertThat(waiting()).containsExactly("2@a");
            assertThat(ledger.claim(model, "another", LEASE)).isEqualTo("2@a");
        }

        @Test
        void aClaimThatIsRepeatedAfterItsJobWasTakenFromItGetsTheNext() {
            put("1@a", "2@a");
            ledger.claim(model, "mine", LEASE);
            ledger.remove("1@a", model);
            assertThat(ledger.claim(model, "mine", LEASE)).isEqualTo("2@a");
        }

        @Test
        void everyJobIsClaimedOnceHoweverManyClaimAtOnce() throws InterruptedException {
            List<String> jobs = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                jobs.add(i + "@" + (char) ('a' + i % 7));
                put(jobs.get(i), 1 + i % 3);
            }
            List<String> claimed = Collections.synchronizedList(new ArrayList<>());
            List<Thread> workers = IntStream.range(0, 8)
                    .mapToObj(worker -> new Thread(() -> claimed.addAll(serveSome())))
                    .toList();
            workers.forEach(Thread::start);
            for (Thread worker : workers) {
                worker.join();
            }
            assertThat(claimed).containsExactlyInAnyOrderElementsOf(jobs);
        }

        private List<String> serveSome() {
            List<String> served = new ArrayList<>();
            while (redis.opsForList().rightPop(Keys.waiting(model)) != null) {
                served.add(ledger.claim(model, RedisFixture.name("claim"), LEASE));
            }
            return served;
        }
    }
}
