package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import io.flux.job.JobRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every transition, against a real Redis: what it does, that repeating it is harmless, and whom it refuses. Those that
 * help jobs that got stuck are in {@link LedgerRecoveryTest}.
 */
@Timeout(60)
class LedgerTest extends LedgerFixture {
    @Test
    void aJobGoesFromCreationToItsEnd() {
        assertThat(create("{}")).isEqualTo(Created.NEW);
        assertThat(state()).isEqualTo("created");
        assertThat(enqueue(id, 10)).isEqualTo(1);
        ledger.accept(id);
        assertThat(state()).isEqualTo("queued");
        assertThat(claim()).isEqualTo(id);
        Started started = start("worker-1");
        assertThat(started.attempt()).isEqualTo(1);
        assertThat(started.seq()).isZero();
        assertThat(started.request()).isEqualTo("{}");
        assertThat(started.queueMs()).isNotNegative();
        assertThat(started.runningMs()).isZero();
        assertThat(state()).isEqualTo("running");
        assertThat(job("worker")).isEqualTo("worker-1");
        assertThat(ledger.append(id, 1, 1, "{\"seq\":1}")).isEqualTo(Write.OK);
        assertThat(ledger.append(id, 1, 2, "{\"seq\":2}")).isEqualTo(Write.OK);
        ledger.finish(id, 1, 3, "{\"seq\":3}", "stop");
        assertThat(state()).isEqualTo("done");
        assertThat(job("outcome")).isEqualTo("stop");
        assertThat(ledger.read(id, 0, 100))
                .isEqualTo(new Backlog(
                        true,
                        "done",
                        model,
                        List.of(
                                new JournalEntry(id, 1, false, "{\"seq\":1}"),
                                new JournalEntry(id, 2, false, "{\"seq\":2}"),
                                new JournalEntry(id, 3, true, "{\"seq\":3}"))));
    }

    @Nested
    class Creation {
        @Test
        void theSameRequestTwiceIsTheSameJob() {
            assertThat(create("{\"a\":1}")).isEqualTo(Created.NEW);
            assertThat(create("{\"a\":1}"))
                    .as("not in the queue yet: whoever comes again goes on where the other stopped")
                    .isEqualTo(Created.NEW);
            enqueue(id, 10);
            ledger.accept(id);
            assertThat(create("{\"a\":1}")).isEqualTo(Created.EXISTS);
            start();
            assertThat(create("{\"a\":1}")).isEqualTo(Created.EXISTS);
            ledger.finish(id, 1, 1, "{}", "stop");
            assertThat(create("{\"a\":1}")).isEqualTo(Created.EXISTS);
            assertThat(state()).isEqualTo("done");
        }

        @Test
        void anotherRequestUnderTheSameIdIsAConflictAndChangesNothing() {
            create("{\"a\":1}");
            assertThat(create("{\"a\":2}")).isEqualTo(Created.CONFLICT);
            ledger.accept(id);
            assertThat(create("{\"a\":2}")).isEqualTo(Created.CONFLICT);
            assertThat(job("request")).isEqualTo("{\"a\":1}");
        }

        @Test
        void aRequestKeepsItsText() {
            create("{\"prompt\":\"Grüße 🌙 \\u0000 \n\"}");
            assertThat(start().request()).isEqualTo("{\"prompt\":\"Grüße 🌙 \\u0000 \n\"}");
        }

        @Test
        void aJobThatIsNeverAcceptedExpires() {
            Ledger impatient = new Ledger(redis, RETENTION, Duration.ofMillis(50));
            impatient.create(id, model, "{}", null, "grace", false);
            await().until(() -> !Boolean.TRUE.equals(redis.hasKey(Keys.job(id))));
            assertThat(start("worker")).isNull();
        }

        @Test
        void anAcceptedJobDoesNotExpire() {
            create("{}");
            assertThat(ttl(Keys.job(id))).isPositive();
            ledger.accept(id);
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
            ledger.accept(id);
            assertThat(state()).isEqualTo("queued");
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
        }

        @Test
        void aJobThatAWorkerHasStartedDoesNotExpireThoughItWasNotAcceptedYet() {
            create("{}");
            start();
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
            ledger.accept(id);
            assertThat(state()).as("accepted late").isEqualTo("running");
        }

        @Test
        void acceptingLateDoesNotKeepAFinishedJobForEver() {
            create("{}");
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            ledger.accept(id);
            assertThat(state()).isEqualTo("done");
            assertThat(ttl(Keys.job(id))).isPositive();
        }

        @Test
        void acceptingAJobThatIsGoneDoesNotBringItBack() {
            assertThat(ledger.accept(id)).isFalse();
            assertThat(redis.hasKey(Keys.job(id))).isFalse();
        }

        @Test
        void aJobThatHasGoneOnIsNotForgotten() {
            create("{}");
            start(); // the same request, sent twice at once: the other one got through
            ledger.forget(id);
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.OK);
        }

        @Test
        void aJobKnowsItsDeadlineAndWhatItsClientsLeavingMeans() {
            long before = redisTime();
            ledger.create(id, model, "{}", Duration.ofMinutes(2), "finish", false);
            long after = redisTime();
            assertThat(Long.parseLong(job("deadline_ms"))).isBetween(before + 120_000, after + 120_000);
            assertThat(job("on_disconnect")).isEqualTo("finish");
            assertThat(ledger.create(id, model, "{}", Duration.ofMinutes(9), "cancel", false))
                    .as("the same request again: the one that came first counts")
                    .isEqualTo(Created.NEW);
            assertThat(Long.parseLong(job("deadline_ms"))).isLessThanOrEqualTo(after + 120_000);
            assertThat(job("on_disconnect")).isEqualTo("finish");
        }

        @Test
        void aJobWithoutATimeoutHasNoDeadline() {
            create("{}");
            assertThat(job("deadline_ms")).isNull();
        }

        @Test
        void aForgottenJobIsGone() {
            create("{}");
            ledger.forget(id);
            ledger.forget(id);
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }
    }

    @Nested
    class Queue {
        @Test
        void thePositionIsOneForTheNextToBeServed() {
            assertThat(enqueue("a", 3)).isEqualTo(1);
            assertThat(enqueue("b", 3)).isEqualTo(2);
            assertThat(enqueue("c", 3)).isEqualTo(3);
            assertThat(claim()).isEqualTo("a");
        }

        @Test
        void aJobThatWaitsAlreadyKeepsItsPlace() {
            enqueue("a", 3);
            enqueue("b", 3);
            enqueue("c", 3);
            assertThat(enqueue("a", 3)).isEqualTo(1);
            assertThat(enqueue("b", 3)).isEqualTo(2);
            assertThat(enqueue("c", 3)).isEqualTo(3);
            assertThat(waiting()).containsExactly("a", "b", "c");
        }

        @Test
        void aFullQueueRefusesAndSaysHowManyWait() {
            enqueue("a", 2);
            enqueue("b", 2);
            assertThat(enqueue("c", 2)).isEqualTo(-2);
            assertThat(waiting()).containsExactly("a", "b");
        }

        @Test
        void onlyAJobThatIsToEndWithoutFollowersCountsAsFollowed() {
            enqueue("unwatched", 3);
            assertThat(redis.hasKey(Keys.followed(model))).isFalse();
            long before = redisTime();
            ledger.enqueue(id, model, RedisFixture.arrival(3), Duration.ofMinutes(2), null);
            long after = redisTime();
            assertThat(score(Keys.followed(model), id)).isBetween(before + 120_000, after + 120_000);
            assertThat(redis.opsForZSet().size(Keys.followed(model))).isEqualTo(1);
            assertThat(redis.hasKey(Keys.deadlines(model))).isFalse();
        }

        @Test
        void onlyAJobWithATimeoutHasADeadlineAndItIsNeverPutOff() {
            enqueue("patient", 3);
            assertThat(redis.hasKey(Keys.deadlines(model))).isFalse();
            long before = redisTime();
            ledger.enqueue(id, model, RedisFixture.arrival(3), null, Duration.ofMinutes(2));
            long after = redisTime();
            assertThat(score(Keys.deadlines(model), id)).isBetween(before + 120_000, after + 120_000);
            claim();
            ledger.enqueue(id, model, RedisFixture.arrival(3), null, Duration.ofMinutes(9));
            assertThat(score(Keys.deadlines(model), id))
                    .as("the same request, sent twice at once")
                    .isLessThanOrEqualTo(after + 120_000);
            assertThat(redis.hasKey(Keys.followed(model))).isFalse();
        }

        @Test
        void aJobThatAFullQueueRefusesIsOnNoList() {
            enqueue("a", 1);
            assertThat(ledger.enqueue(id, model, RedisFixture.arrival(1), Duration.ofMinutes(1), Duration.ofMinutes(1))
                            .isRefused())
                    .isTrue();
            assertThat(redis.keys("flux:{" + model + "}*"))
                    .containsExactlyInAnyOrder(
                            Keys.waiting(model),
                            Keys.line(model),
                            Keys.places(model),
                            Keys.turns(model),
                            Keys.counts(model));
            assertThat(waiting()).containsExactly("a");
        }

        @Test
        void thePaceIsTheMeasuredOneWhileJobsRun() {
            assertThat(ledger.enqueue("a", model, RedisFixture.arrival(2), null, null))
                    .as("never measured")
                    .isEqualTo(new Place(1, 0));
            redis.opsForHash().put(Keys.pace(model), "mean_ms", "1500.75");
            assertThat(ledger.enqueue("a", model, RedisFixture.arrival(2), null, null))
                    .as("nobody serves")
                    .isEqualTo(new Place(1, 0));
            lease(id, LEASE);
            assertThat(ledger.enqueue("a", model, RedisFixture.arrival(2), null, null))
                    .as("there already")
                    .isEqualTo(new Place(1, 1500));
            assertThat(ledger.enqueue("b", model, RedisFixture.arrival(2), null, null))
                    .isEqualTo(new Place(2, 1500));
            assertThat(ledger.enqueue("c", model, RedisFixture.arrival(2), null, null))
                    .as("refused")
                    .isEqualTo(new Place(-2, 1500));
        }

        @Test
        void theBoundHoldsHoweverManyComeAtOnce() throws InterruptedException {
            List<Long> positions = Collections.synchronizedList(new ArrayList<>());
            List<Thread> clients = IntStream.range(0, 8)
                    .mapToObj(client -> new Thread(() -> {
                        for (int i = 0; i < 10; i++) {
                            positions.add(enqueue(client + "." + i, 25));
                        }
                    }))
                    .toList();
            clients.forEach(Thread::start);
            for (Thread client : clients) {
                client.join();
            }
            assertThat(waiting()).hasSize(25);
            assertThat(positions.stream().filter(position -> position > 0))
                    .containsExactlyInAnyOrderElementsOf(
                            LongStream.rangeClosed(1, 25).boxed().toList());
            assertThat(positions.stream().filter(position -> position <= 0))
                    .hasSize(55)
                    .containsOnly(-25L);
        }
    }

    @Nested
    class Leases {
        @Test
        void aClaimTakesTheNextJobAndItsLease() {
            enqueue(id, 10);
            enqueue("second", 10);
            long before = redisTime();
            assertThat(claim()).isEqualTo(id);
            long after = redisTime();
            assertThat(waiting()).containsExactly("second");
            assertThat(score(Keys.running(model), "second")).isNull();
            assertThat(score(Keys.running(model), id))
                    .as("expiry in Redis's own time")
                    .isBetween(before + LEASE.toMillis(), after + LEASE.toMillis());
        }

        @Test
        void renewingExtendsLeasesAndNamesThoseThatAreLost() {
            lease("a", Duration.ofSeconds(1));
            lease("b", Duration.ofSeconds(1));
            assertThat(ledger.renew(model, LEASE, List.of("a", "gone", "b", "stolen")))
                    .containsExactly("gone", "stolen");
            double soon = redis.opsForZSet().score(Keys.running(model), "a");
            assertThat(soon).isEqualTo(redis.opsForZSet().score(Keys.running(model), "b"));
            assertThat(ledger.renew(model, LEASE.multipliedBy(2), List.of("a"))).isEmpty();
            assertThat(redis.opsForZSet().score(Keys.running(model), "a")).isGreaterThan(soon);
            assertThat(redis.opsForZSet().size(Keys.running(model)))
                    .as("a lost lease does not come back by renewing it")
                    .isEqualTo(2);
        }

        @Test
        void renewingNothingLosesNothing() {
            assertThat(ledger.renew(model, LEASE, List.of())).isEmpty();
        }

        @Test
        void aJobGivenBackIsTheNextToBeServed() {
            lease(id, LEASE);
            enqueue("second", 10);
            assertThat(ledger.requeue(id, model, Duration.ZERO)).isTrue();
            assertThat(waiting()).containsExactly(id, "second");
            assertThat(redis.opsForZSet().score(Keys.running(model), id)).isNull();
        }

        @Test
        void givingBackTwiceQueuesOnce() {
            lease(id, LEASE);
            assertThat(ledger.requeue(id, model, Duration.ZERO)).isTrue();
            assertThat(ledger.requeue(id, model, Duration.ZERO)).isFalse();
            assertThat(waiting()).containsExactly(id);
        }

        @Test
        void whoHasNoLeaseGivesNothingBack() {
            assertThat(ledger.requeue(id, model, Duration.ZERO)).isFalse();
            assertThat(waiting()).isEmpty();
        }

        @Test
        void aJobGivenBackForLaterKeepsItsLeaseUntilThen() {
            lease(id, LEASE);
            long before = redisTime();
            assertThat(ledger.requeue(id, model, LEASE.multipliedBy(2))).isTrue();
            long after = redisTime();
            assertThat(score(Keys.running(model), id)).isBetween(before + 60_000, after + 60_000);
            assertThat(ledger.requeue(id, model, LEASE.multipliedBy(2)))
                    .as("repeated")
                    .isTrue();
            assertThat(redis.opsForZSet().size(Keys.running(model))).isEqualTo(1);
            assertThat(waiting()).isEmpty();
        }

        @Test
        void whoHasNoLeaseGivesNothingBackForLater() {
            assertThat(ledger.requeue(id, model, LEASE)).isFalse();
            assertThat(redis.keys("flux:{" + model + "}*")).isEmpty();
        }
    }

    /** What {@code release} does beside ending the lease: it measures how fast the queue moves. */
    @Nested
    class Releasing {
        @Test
        void aReleasedJobIsRunningNoMoreNorWatched() {
            lease(id, LEASE);
            lease("other", LEASE);
            for (String key : List.of(Keys.followed(model), Keys.deadlines(model))) {
                score(key, id, LONG_AGO);
                score(key, "other", LONG_AGO);
            }
            ledger.release(id, model);
            for (String key : List.of(Keys.running(model), Keys.followed(model), Keys.deadlines(model))) {
                assertThat(redis.opsForZSet().range(key, 0, -1)).as(key).containsExactly("other");
            }
        }

        @Test
        void thePaceIsTheTimeBetweenTwoEndsWhenJobsWaitedAtTheFirst() {
            enqueue("next", 10);
            endOne();
            assertThat(pace("mean_ms")).as("one end is no measure").isNull();
            assertThat(pace("busy")).isEqualTo("1");
            long later = redisTime() - 2000;
            put(Keys.pace(model), "last_ms", later);
            endOne();
            assertThat(meanMs()).isBetween(2000.0, 60_000.0);
            assertThat(ttl(Keys.pace(model))).isBetween(1L, RETENTION.toMillis());
        }

        @Test
        void timeInWhichNobodyWaitedIsNoMeasure() {
            endOne();
            assertThat(pace("busy")).isEqualTo("0");
            put(Keys.pace(model), "last_ms", LONG_AGO);
            enqueue("next", 10);
            endOne();
            assertThat(pace("mean_ms")).as("the queue was empty in between").isNull();
            assertThat(Long.parseLong(pace("last_ms"))).isGreaterThan(LONG_AGO);
            assertThat(pace("busy")).isEqualTo("1");
        }

        @Test
        void theNewestTimeCountsOnePartInFive() {
            redis.opsForHash().put(Keys.pace(model), "mean_ms", "1000");
            put(Keys.pace(model), "busy", 1);
            put(Keys.pace(model), "last_ms", redisTime() - 2000);
            endOne();
            assertThat(meanMs()).isBetween(1200.0, 12_800.0); // 0.8 * 1000 + 0.2 * (2000 to 60 000)
        }

        @Test
        void releasingTwiceIsOneEnd() {
            put(Keys.pace(model), "busy", 1);
            put(Keys.pace(model), "last_ms", LONG_AGO);
            endOne();
            Object once = redis.opsForHash().entries(Keys.pace(model));
            put(Keys.pace(model), "busy", 1);
            ledger.release(id, model);
            assertThat(pace("busy")).as("nothing was measured").isEqualTo("1");
            put(Keys.pace(model), "busy", 0);
            assertThat(redis.opsForHash().entries(Keys.pace(model))).isEqualTo(once);
        }

        @Test
        void whoHasNoLeaseMeasuresNothing() {
            ledger.release(id, model);
            assertThat(redis.keys("flux:{" + model + "}*")).isEmpty();
        }

        private void endOne() {
            lease(id, LEASE);
            ledger.release(id, model);
        }

        private double meanMs() {
            return Double.parseDouble(pace("mean_ms"));
        }

        private String pace(String field) {
            return (String) redis.opsForHash().get(Keys.pace(model), field);
        }
    }

    @Nested
    class Attempts {
        @Test
        void oneAttemptAtATime() {
            create();
            assertThat(start("worker-1")).isNotNull();
            fenced(() -> start("worker-2"));
            assertThat(job("worker")).isEqualTo("worker-1");
            assertThat(job("attempt")).isEqualTo("1");
        }

        @Test
        void theSameClaimGetsTheSameAttemptAgain() {
            create();
            Started first = ledger.start(id, "worker", "claim");
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.OK);
            Started again = ledger.start(id, "worker", "claim");
            assertThat(again.attempt()).isEqualTo(1);
            assertThat(again.seq()).as("where the journal ends now").isEqualTo(1);
            assertThat(again.request()).isEqualTo(first.request());
            assertThat(again.queueMs()).isEqualTo(first.queueMs());
            assertThat(job("attempt")).isEqualTo("1");
            fenced(() -> ledger.start(id, "worker", "another claim"));
            assertThat(ledger.append(id, 1, 2, "{}")).isEqualTo(Write.OK);
            ledger.finish(id, 1, 3, "{}", "stop");
            assertThat(ledger.start(id, "worker", "claim")).isNull();
        }

        @Test
        void aNewAttemptNeedsAClaimOfItsOwn() {
            create();
            ledger.start(id, "worker", "claim 1");
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(ledger.start(id, "worker", "claim 2").attempt()).isEqualTo(2);
            fenced(() -> ledger.start(id, "worker", "claim 1"));
        }

        @Test
        void anAttemptKnowsHowMuchTimeIsLeft() {
            ledger.create(id, model, "{}", Duration.ofMinutes(2), "grace", false);
            assertThat(start().leftMs()).isBetween(60_000L, 120_000L);
            ledger.retry(id, 1, true, "engine_failed");
            put(Keys.job(id), "deadline_ms", LONG_AGO);
            assertThat(start().leftMs()).as("its time is over").isNegative();
        }

        @Test
        void aJobWithoutADeadlineHasAllTheTime() {
            create();
            assertThat(start().leftMs()).isNull();
        }

        @Test
        void aFailureThatTheJobIsToBlameForCounts() {
            create();
            assertThat(start().failures()).isZero();
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(start().failures()).isEqualTo(1);
            ledger.retry(id, 2, false, "engine_failed");
            assertThat(start().failures()).isEqualTo(1);
            ledger.retry(id, 3, true, "engine_failed");
            assertThat(start().failures()).isEqualTo(2);
            assertThat(job("attempt")).isEqualTo("4");
        }

        @Test
        void aJobThatHasEndedOrIsGoneIsNotStarted() {
            assertThat(start("worker")).isNull();
            assertThat(redis.hasKey(Keys.job(id))).isFalse();
            create();
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            assertThat(start("worker")).isNull();
        }

        @Test
        void theNextAttemptGoesOnWhereTheJournalEnds() {
            create();
            start();
            ledger.append(id, 1, 1, "{}");
            ledger.append(id, 1, 2, "{}");
            assertThat(ledger.retry(id, 1, true, "engine_failed")).isEqualTo(Write.OK);
            assertThat(state()).isEqualTo("queued");
            assertThat(job("worker")).isNull();
            Started second = start();
            assertThat(second.attempt()).isEqualTo(2);
            assertThat(second.seq()).isEqualTo(2);
            assertThat(second.runningMs()).isNotNegative();
        }

        @Test
        void theWaitIsMeasuredUpToTheFirstAttempt() {
            create();
            redis.opsForHash().increment(Keys.job(id), "created_ms", -5000);
            long first = start().queueMs();
            assertThat(first).isBetween(5000L, 60_000L);
            redis.opsForHash().increment(Keys.job(id), "started_ms", -1000);
            redis.opsForHash().increment(Keys.job(id), "created_ms", -1000);
            ledger.retry(id, 1, true, "engine_failed");
            Started second = start();
            assertThat(second.queueMs()).isEqualTo(first);
            assertThat(second.runningMs()).isBetween(1000L, 60_000L);
        }

        @Test
        void retryingTwiceIsHarmless() {
            create();
            start();
            assertThat(ledger.retry(id, 1, true, "engine_failed")).isEqualTo(Write.OK);
            assertThat(ledger.retry(id, 1, true, "engine_failed")).isEqualTo(Write.OK);
            assertThat(ledger.retry(id, 1, false, "engine_failed")).isEqualTo(Write.OK);
            Started second = start();
            assertThat(second.attempt()).isEqualTo(2);
            assertThat(second.failures()).as("it failed once").isEqualTo(1);
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
            assertThat(state()).isEqualTo("running");
        }

        @Test
        void aCancelledJobIsNotRetried() {
            create();
            start();
            end();
            assertThat(ledger.retry(id, 1, true, "engine_failed")).isEqualTo(Write.CANCELLED);
            assertThat(state()).isEqualTo("running");
            assertThat(job("failures")).isEqualTo("0");
            ledger.finish(id, 1, 1, "{}", "cancelled");
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
        }

        @Test
        void aJobWhoseTimeIsOverIsNotRetried() {
            create();
            start();
            end("deadline");
            assertThat(ledger.retry(id, 1, true, "engine_failed")).isEqualTo(Write.DEADLINE);
            assertThat(state()).isEqualTo("running");
        }

        @Test
        void whomTheJobWasTakenFromDoesNotRetryIt() {
            create();
            start();
            reclaim(3, 30);
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
            assertThat(job("failures")).as("counted once, as the reclaim did").isEqualTo("1");
        }

        @Test
        void anAttemptMayAskWhetherItIsToGoOn() {
            create();
            assertThat(ledger.check(id, 0)).as("not begun").isEqualTo(Write.FENCED);
            start();
            assertThat(ledger.check(id, 1)).isEqualTo(Write.OK);
            assertThat(ledger.check(id, 1)).isEqualTo(Write.OK);
            assertThat(ledger.check(id, 2)).as("not the current one").isEqualTo(Write.FENCED);
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(ledger.check(id, 1)).as("between attempts").isEqualTo(Write.FENCED);
            start();
            assertThat(ledger.check(id, 1)).isEqualTo(Write.FENCED);
            assertThat(ledger.check(id, 2)).isEqualTo(Write.OK);
            ledger.finish(id, 2, 1, "{}", "stop");
            assertThat(ledger.check(id, 2)).as("ended").isEqualTo(Write.FENCED);
            assertThat(frames()).hasSize(1);
        }

        @ParameterizedTest
        @CsvSource({"cancelled,CANCELLED", "deadline,DEADLINE"})
        void whoAsksHearsWhyTheJobIsToBeStopped(String reason, Write answer) {
            create();
            start();
            end(reason);
            assertThat(ledger.check(id, 1)).isEqualTo(answer);
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(answer);
            assertThat(ledger.check(id, 1)).isEqualTo(answer);
        }

        @Test
        void anAttemptThatIsOverWritesNothing() {
            create();
            start();
            ledger.append(id, 1, 1, "{\"old\":1}");
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(ledger.append(id, 1, 2, "{\"late\":1}"))
                    .as("between attempts")
                    .isEqualTo(Write.FENCED);
            start();
            assertThat(ledger.append(id, 1, 2, "{\"late\":1}")).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 2, "{\"late\":1}", "stop"));
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
            assertThat(ledger.append(id, 2, 2, "{\"new\":1}")).isEqualTo(Write.OK);
            assertThat(frames()).containsExactly("{\"old\":1}", "{\"new\":1}");
            assertThat(state()).isEqualTo("running");
        }

        @Test
        void nobodyWritesToAJobThatIsGone() {
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 1, "{}", "stop"));
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
            fenced(() -> ledger.die(id, 1, 1, "{}", "engine_failed", "{}", DEAD_RETENTION));
            assertThat(ledger.check(id, 1)).isEqualTo(Write.FENCED);
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void anEventWrittenTwiceIsInTheJournalAndOnTheChannelOnce() {
            create();
            start();
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.OK);
                assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.OK);
                ledger.finish(id, 1, 2, "{\"b\":1}", "stop");
                ledger.finish(id, 1, 2, "{\"b\":1}", "stop");
                redis.convertAndSend(channel, "end"); // in a Cluster by way of another node, perhaps, and overtaking
                await().until(() -> heard.contains("end") && heard.contains(id + " 2 ! {\"b\":1}"));
                heard.remove("end");
            }
            assertThat(frames()).containsExactly("{\"a\":1}", "{\"b\":1}");
            assertThat(heard).containsExactly(id + " 1 . {\"a\":1}", id + " 2 ! {\"b\":1}");
        }

        @Test
        void anEventWithoutTheOneBeforeItIsRefusedAndTheWriterHearsWhereTheJournalEnds() {
            create();
            start();
            ledger.append(id, 1, 1, "{\"a\":1}");
            assertThatThrownBy(() -> ledger.append(id, 1, 3, "{\"c\":1}"))
                    .isInstanceOfSatisfying(JournalBehindException.class, e -> assertThat(e.last())
                            .isEqualTo(1));
            assertThatThrownBy(() -> ledger.finish(id, 1, 4, "{\"d\":1}", "stop"))
                    .isInstanceOfSatisfying(JournalBehindException.class, e -> assertThat(e.last())
                            .isEqualTo(1));
            assertThat(state()).isEqualTo("running");
            assertThat(frames()).containsExactly("{\"a\":1}");
            assertThat(ledger.append(id, 1, 2, "{\"b\":1}")).isEqualTo(Write.OK);
        }

        @Test
        void afterTheEndNothingIsWritten() {
            create();
            start();
            ledger.finish(id, 1, 1, "{\"end\":1}", "stop");
            assertThat(ledger.append(id, 1, 2, "{}")).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 2, "{}", "length"));
            assertThat(job("outcome")).isEqualTo("stop");
            assertThat(frames()).containsExactly("{\"end\":1}");
        }

        @Test
        void theWriterHearsThatTheJobIsCancelledAndItsEventIsKept() {
            create();
            start();
            end();
            assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.CANCELLED);
            assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.CANCELLED);
            assertThat(frames()).containsExactly("{\"a\":1}");
        }

        @Test
        void aFinishedJobExpiresWithAllItsKeys() {
            create();
            start();
            ledger.follow(id, channel, 0, 10);
            ledger.append(id, 1, 1, "{}");
            for (String key : List.of(Keys.job(id), Keys.journal(id), Keys.followers(id))) {
                assertThat(ttl(key)).isEqualTo(-1);
            }
            ledger.finish(id, 1, 2, "{}", "stop");
            expires(RETENTION);
            new Ledger(redis, Duration.ofMillis(30), Duration.ofMinutes(1))
                    .end(id, new LastEvent("{", "}", "}"), "cancelled");
            expires(RETENTION); // a late cancel changes nothing
        }

        @Test
        void afterTheRetentionNothingIsLeft() {
            Ledger forgetful = new Ledger(redis, Duration.ofMillis(30), Duration.ofMinutes(1));
            create();
            start();
            ledger.follow(id, channel, 0, 10);
            forgetful.append(id, 1, 1, "{}");
            forgetful.finish(id, 1, 2, "{}", "stop");
            await().until(() -> redis.keys("flux:{" + id + "}*").isEmpty());
            assertThat(ledger.read(id, 0, 10).known()).isFalse();
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "a b ! c", "{\"c\":\"🌙 \\u0000 \u0001\n\"}", "'\"\\%d ${x}"})
        void anyFrameComesBackAsItWas(String frame) {
            create();
            start();
            ConcurrentLinkedQueue<JournalEntry> heard = new ConcurrentLinkedQueue<>();
            try (var unused = subscribe(channel, message -> heard.add(JournalEntry.published(message)))) {
                ledger.follow(id, channel, 0, 10);
                ledger.append(id, 1, 1, frame);
                await().until(() -> !heard.isEmpty());
            }
            assertThat(heard).containsExactly(new JournalEntry(id, 1, false, frame));
            assertThat(frames()).containsExactly(frame);
        }
    }

    /** Where a job has been, for its tenant and for operators. */
    @Nested
    class Looking {
        @Test
        void whatIsNotThereIsNotSeen() {
            assertThat(ledger.look(id)).isNull();
        }

        @Test
        void aJobThatWaitsHasComeAndWasAccepted() {
            create();
            JobLife life = ledger.look(id);
            assertThat(life.model()).isEqualTo(model);
            assertThat(life.state()).isEqualTo("queued");
            assertThat(life.record().createdMs()).isBetween(life.nowMs() - 60_000, life.nowMs());
            assertThat(life.record().acceptedMs()).isBetween(life.record().createdMs(), life.nowMs());
            assertThat(life.record().startedMs()).isNull();
            assertThat(life.record().endedMs()).isNull();
            assertThat(life.record().attempts()).isZero();
            assertThat(life.record().history()).isEmpty();
        }

        @Test
        void itIsAcceptedOnceThoughItsWorkerWasFaster() {
            create("{}");
            start("worker-1");
            ledger.accept(id);
            Long accepted = ledger.look(id).record().acceptedMs();
            assertThat(accepted).isNotNull();
            ledger.accept(id);
            assertThat(ledger.look(id).record().acceptedMs()).isEqualTo(accepted);
        }

        @Test
        void eachAttemptHasItsWorkerAndHowItEnded() {
            create();
            start("worker-1");
            assertThat(ledger.look(id).record().worker()).isEqualTo("worker-1");
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(ledger.look(id).record().worker())
                    .as("the last one, while it waits")
                    .isEqualTo("worker-1");
            start("worker-2");
            reclaim(3, 30);
            put(Keys.job(id), "requeued_ms", redisTime() - 5_000);
            assertThat(start("worker-3").requeueMs()).isBetween(5_000L, 65_000L);
            ledger.finish(id, 3, 1, "{}", "stop");
            JobRecord record = ledger.look(id).record();
            assertThat(record.attempts()).isEqualTo(3);
            assertThat(record.worker()).isEqualTo("worker-3");
            assertThat(record.history())
                    .extracting(JobRecord.Attempt::attempt, JobRecord.Attempt::worker, JobRecord.Attempt::outcome)
                    .containsExactly(
                            tuple(1, "worker-1", "engine_failed"),
                            tuple(2, "worker-2", "lost"),
                            tuple(3, "worker-3", "stop"));
            assertThat(record.history())
                    .allSatisfy(attempt -> assertThat(attempt.endedMs()).isGreaterThanOrEqualTo(attempt.beganMs()));
            assertThat(record.endedMs()).isEqualTo(record.history().get(2).endedMs());
            assertThat(record.requeueMs()).isGreaterThanOrEqualTo(5_000);
        }

        @Test
        void anAttemptThatIsAskedForAgainIsTheSameOne() {
            create();
            ledger.start(id, "worker-1", "claim");
            JobRecord before = ledger.look(id).record();
            ledger.start(id, "worker-1", "claim");
            assertThat(ledger.look(id).record()).isEqualTo(before);
        }

        @Test
        void aJobThatEndedWhileItWaitedHasNoAttemptButAnEnd() {
            create();
            end();
            assertThat(ledger.look(id).record().endedMs()).isNotNull();
            assertThat(ledger.look(id).record().history()).isEmpty();
        }

        @Test
        void ofVeryManyAttemptsTheNewestAreSeen() {
            create();
            for (int attempt = 1; attempt <= 40; attempt++) {
                start("worker-" + attempt);
                ledger.retry(id, attempt, false, "handed_over");
            }
            List<JobRecord.Attempt> history = ledger.look(id).record().history();
            assertThat(history).hasSize(32);
            assertThat(history.get(0).attempt()).isEqualTo(9);
            assertThat(history.get(31).worker()).isEqualTo("worker-40");
        }
    }

    @Nested
    class Following {
        @Test
        void anUnknownJobIsNotFollowed() {
            assertThat(ledger.follow(id, channel, 0, 10)).isEqualTo(Backlog.UNKNOWN);
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void aFollowerReadsWhatItDoesNotHaveAndIsRegistered() {
            create();
            start();
            for (int seq = 1; seq <= 12; seq++) {
                ledger.append(id, 1, seq, "frame " + seq);
            }
            Backlog backlog = ledger.follow(id, channel, 9, 10);
            assertThat(backlog.state()).isEqualTo("running");
            assertThat(backlog.model()).isEqualTo(model);
            assertThat(backlog.entries())
                    .extracting(JournalEntry::frame)
                    .containsExactly("frame 10", "frame 11", "frame 12");
            assertThat(followers()).containsExactly(channel);
            ledger.follow(id, channel, 12, 10);
            assertThat(followers()).containsExactly(channel);
        }

        @Test
        void aLongJournalIsReadInPages() {
            create();
            start();
            List<String> all = new ArrayList<>();
            for (int seq = 1; seq <= 25; seq++) {
                ledger.append(id, 1, seq, "frame " + seq);
                all.add("frame " + seq);
            }
            List<String> read = new ArrayList<>();
            long after = 0;
            for (int page : new int[] {10, 10, 5, 0}) {
                List<JournalEntry> entries = ledger.read(id, after, 10).entries();
                assertThat(entries).hasSize(page);
                for (JournalEntry entry : entries) {
                    read.add(entry.frame());
                    after = entry.seq();
                }
            }
            assertThat(read).isEqualTo(all);
        }

        @Test
        void aPageOfLongEventsIsNotLong() {
            create();
            start();
            String frame = "x".repeat(50_000);
            for (int seq = 1; seq <= 40; seq++) {
                ledger.append(id, 1, seq, frame);
            }
            int read = 0;
            for (int page : new int[] {16, 16, 8, 0}) {
                assertThat(ledger.read(id, read, 512).entries()).hasSize(page);
                read += page;
            }
        }

        @Test
        void readingDoesNotFollow() {
            create();
            start();
            ledger.read(id, 0, 10);
            assertThat(followers()).isEmpty();
        }

        @Test
        void aJobThatHasEndedIsReadAndNotFollowed() {
            create();
            start();
            ledger.finish(id, 1, 1, "end", "stop");
            assertThat(ledger.follow(id, channel, 0, 10).entries())
                    .containsExactly(new JournalEntry(id, 1, true, "end"));
            assertThat(followers()).isEmpty();
        }

        @Test
        void whoLeavesHearsNothingMore() {
            create();
            start();
            String stays = RedisFixture.name("flux:gateway:");
            ledger.follow(id, channel, 0, 10);
            ledger.follow(id, stays, 0, 10);
            assertThat(ledger.unfollow(id, channel)).isEqualTo(new Unfollowed(model, "grace", 1));
            assertThat(ledger.unfollow(id, channel)).isEqualTo(new Unfollowed(model, "grace", 1));
            assertThat(followers()).containsExactly(stays);
            assertThat(ledger.unfollow(id, stays)).isEqualTo(new Unfollowed(model, "grace", 0));
            assertThat(ledger.unfollow(id, stays)).isEqualTo(new Unfollowed(model, "grace", 0));
            assertThat(redis.hasKey(Keys.followers(id))).isFalse();
        }

        @ParameterizedTest
        @ValueSource(strings = {"cancel", "grace", "finish"})
        void whoLeavesHearsWhatTheJobWantsThen(String onDisconnect) {
            ledger.create(id, model, "{}", null, onDisconnect, false);
            ledger.follow(id, channel, 0, 10);
            assertThat(ledger.unfollow(id, channel)).isEqualTo(new Unfollowed(model, onDisconnect, 0));
        }

        @Test
        void whoLeavesAJobThatHasEndedHasNothingToDecide() {
            create();
            start();
            ledger.follow(id, channel, 0, 10);
            ledger.finish(id, 1, 1, "end", "stop");
            assertThat(ledger.unfollow(id, channel)).isNull();
            assertThat(followers()).isEmpty();
        }

        @Test
        void whoLeavesAnUnknownJobLeavesNothingBehind() {
            assertThat(ledger.unfollow(id, channel)).isNull();
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void sayingThatJobsAreFollowedReachesThoseThatWereEntered() {
            ledger.enqueue(id, model, RedisFixture.arrival(10), Duration.ofSeconds(1), null);
            ledger.enqueue("other", model, RedisFixture.arrival(10), Duration.ofSeconds(1), null);
            long others = score(Keys.followed(model), "other");
            enqueue("runs anyway", 10);
            long before = redisTime();
            ledger.attend(model, Duration.ofMinutes(2), List.of("runs anyway", id, "ended"));
            long after = redisTime();
            assertThat(score(Keys.followed(model), id)).isBetween(before + 120_000, after + 120_000);
            assertThat(score(Keys.followed(model), "other")).isEqualTo(others);
            ledger.attend(model, Duration.ofMinutes(4), List.of("runs anyway", id, "ended"));
            assertThat(score(Keys.followed(model), id)).isGreaterThan(after + 120_000);
            assertThat(redis.opsForZSet().range(Keys.followed(model), 0, -1)).containsExactly("other", id);
        }

        @Test
        void followingNothingSaysNothing() {
            ledger.attend(model, Duration.ofMinutes(2), List.of());
            ledger.attend(model, Duration.ofMinutes(2), List.of(id));
            assertThat(redis.keys("flux:{" + model + "}*")).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(longs = {1, 1_000, 100_000_000_000_000L, 9_007_199_254_740_993L, Long.MAX_VALUE})
        void whoClaimsToHaveMoreThanThereIsReadsNothing(long after) {
            create();
            assertThat(ledger.read(id, after, 10)).isEqualTo(new Backlog(true, "queued", model, List.of()));
        }

        /** Backlog and channel together hold every event, and none in both. */
        @RepeatedTest(20)
        void thereIsNoGapBetweenTheBacklogAndWhatIsPublished() throws InterruptedException {
            int events = 120;
            create();
            start();
            CountDownLatch first = new CountDownLatch(1);
            Thread writer = new Thread(() -> {
                for (int seq = 1; seq < events; seq++) {
                    ledger.append(id, 1, seq, "frame " + seq);
                    first.countDown();
                }
                ledger.finish(id, 1, events, "frame " + events, "stop");
            });
            ConcurrentLinkedQueue<JournalEntry> published = new ConcurrentLinkedQueue<>();
            List<JournalEntry> seen;
            try (var unused = subscribe(channel, message -> published.add(JournalEntry.published(message)))) {
                writer.start();
                assertThat(first.await(10, TimeUnit.SECONDS)).isTrue();
                seen = new ArrayList<>(ledger.follow(id, channel, 0, 1000).entries());
                writer.join();
                if (!seen.get(seen.size() - 1).last()) {
                    await().until(() -> published.stream().anyMatch(JournalEntry::last));
                }
            }
            seen.addAll(published);
            assertThat(seen).isEqualTo(ledger.read(id, 0, 1000).entries()).hasSize(events);
        }
    }

    @Nested
    class Ending {
        @Test
        void anUnknownJob() {
            assertThat(end()).isEqualTo(new Ended(Ended.Outcome.UNKNOWN, null, null));
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void aWaitingJobEndsAtOnceAndItsFollowersHear() {
            create();
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                assertThat(end()).isEqualTo(new Ended(Ended.Outcome.ENDED, model, null));
                await().until(() -> !heard.isEmpty());
            }
            assertThat(heard).containsExactly(id + " 1 ! {\"seq\":1,\"x\":0}");
            assertThat(frames()).containsExactly("{\"seq\":1,\"x\":0}");
            assertThat(state()).isEqualTo("done");
            assertThat(job("outcome")).isEqualTo("cancelled");
            expires(RETENTION);
            assertThat(job("failure")).as("no dead letter").isNull();
            assertThat(start("worker")).as("popped all the same").isNull();
        }

        @Test
        void aJobThatIsNotAcceptedYetEndsAtOnce() {
            create("{}");
            assertThat(end().outcome()).isEqualTo(Ended.Outcome.ENDED);
        }

        @Test
        void aJobBetweenTwoAttemptsEndsAfterItsLastEvent() {
            create();
            start();
            ledger.append(id, 1, 1, "one");
            ledger.append(id, 1, 2, "two");
            ledger.retry(id, 1, true, "engine_failed");
            assertThat(end().outcome()).isEqualTo(Ended.Outcome.ENDED);
            assertThat(frames()).containsExactly("one", "two", "{\"seq\":3,\"x\":null}");
        }

        @Test
        void aRunningJobIsMarkedAndItsWorkerIsNamed() {
            create();
            start();
            assertThat(end()).isEqualTo(new Ended(Ended.Outcome.RUNNING, model, "worker"));
            assertThat(end()).isEqualTo(new Ended(Ended.Outcome.RUNNING, model, "worker"));
            assertThat(state()).isEqualTo("running");
            assertThat(frames()).isEmpty();
        }

        @ParameterizedTest
        @CsvSource({"cancelled,deadline,CANCELLED", "deadline,cancelled,DEADLINE"})
        void theFirstWishWins(String first, String second, Write answer) {
            create();
            start();
            end(first);
            assertThat(end(second).outcome()).isEqualTo(Ended.Outcome.RUNNING);
            assertThat(ledger.check(id, 1)).isEqualTo(answer);
        }

        @Test
        void aJobWhoseTimeIsOverEndsWithThat() {
            create();
            assertThat(end("deadline")).isEqualTo(new Ended(Ended.Outcome.ENDED, model, null));
            assertThat(job("outcome")).isEqualTo("deadline");
        }

        @Test
        void aJobThatHasEndedStaysAsItIs() {
            create();
            start();
            ledger.finish(id, 1, 1, "end", "stop");
            assertThat(end()).isEqualTo(new Ended(Ended.Outcome.DONE, model, null));
            assertThat(frames()).containsExactly("end");
            assertThat(job("outcome")).isEqualTo("stop");
        }

        @Test
        void endingTwiceEndsOnce() {
            create();
            assertThat(end().outcome()).isEqualTo(Ended.Outcome.ENDED);
            assertThat(end().outcome()).isEqualTo(Ended.Outcome.DONE);
            assertThat(frames()).hasSize(1);
        }
    }
}
