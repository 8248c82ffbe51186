package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.ledger.Reclaimed.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The transitions that help jobs that got stuck, against a real Redis: what they do, that repeating them is harmless, and
 * whom they refuse. Nobody waits for time to pass: what a test wants to be long ago is put there.
 */
@Timeout(60)
class LedgerRecoveryTest extends LedgerFixture {
    private static final Duration ATTENTION = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofMinutes(1);
    private static final Stuck NONE = new Stuck(List.of(), List.of(), List.of());
    private static final Reclaimed WAITS = fate(Fate.WAITS);
    private static final String FAILURE = "{\"code\":\"engine_failed\"}";

    @Test
    void aJobWhoseWorkerDiesIsGivenToTheNextWhichGoesOn() {
        watched();
        create();
        enqueue(id, 10);
        assertThat(claim()).isEqualTo(id);
        start("worker-1");
        ledger.append(id, 1, 1, "{\"start\":1}");
        ledger.append(id, 1, 2, "{\"token\":1}");
        assertThat(reap()).isEqualTo(NONE);
        runsOut();
        assertThat(reap().expired()).containsExactly(id);
        assertThat(reclaim(1, 30)).isEqualTo(WAITS);
        assertThat(ledger.recover(id, model)).isTrue();
        assertThat(reap()).isEqualTo(NONE);
        assertThat(claim()).isEqualTo(id);
        Started second = start("worker-2");
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.seq()).isEqualTo(2);
        assertThat(ledger.append(id, 1, 3, "{\"late\":1}"))
                .as("the first wakes up")
                .isEqualTo(Write.FENCED);
        ledger.finish(id, 2, 3, "{\"end\":1}", "stop");
        ledger.release(id, model);
        assertThat(frames()).containsExactly("{\"start\":1}", "{\"token\":1}", "{\"end\":1}");
        assertThat(redis.hasKey(Keys.running(model))).isFalse();
    }

    @Nested
    class Looking {
        @BeforeEach
        void somebodyHasLookedAllTheTime() {
            watched();
        }

        @Test
        void whatIsWellIsNotFound() {
            enqueue("waits", 10);
            lease(id, LEASE);
            score(Keys.followed(model), id, redisTime() + 60_000);
            score(Keys.deadlines(model), id, redisTime() + 60_000);
            assertThat(reap()).isEqualTo(NONE);
            assertThat(waiting()).containsExactly("waits");
            assertThat(redis.opsForZSet().range(Keys.running(model), 0, -1)).containsExactly(id);
        }

        @Test
        void aTicketThatGotLostIsReplaced() {
            enqueue(id, 10);
            enqueue("second", 10);
            redis.opsForList().rightPop(Keys.waiting(model)); // by a worker that died
            reap();
            reap();
            assertThat(tickets()).isEqualTo(2);
            assertThat(claim()).isEqualTo(id);
            assertThat(claim()).isEqualTo("second");
        }

        @Test
        void whatHasRunOutIsFoundUntilSomebodyHasHelped() {
            lease(id, LEASE);
            runsOut();
            assertThat(reap().expired()).containsExactly(id);
            assertThat(reap().expired()).containsExactly(id);
            ledger.recover(id, model);
            assertThat(reap()).isEqualTo(NONE);
        }

        @Test
        void aLeaseThatWasRenewedInTimeIsNotFound() {
            lease(id, LEASE);
            runsOut();
            ledger.renew(model, LEASE, List.of(id));
            assertThat(reap()).isEqualTo(NONE);
        }

        @Test
        void aJobThatWaitsForItsNextAttemptIsFoundWhenThatIsDueAndHasNotFailedAgain() {
            create();
            lease(id, LEASE);
            start();
            ledger.retry(id, 1, false, "engine_failed");
            ledger.requeue(id, model, LEASE);
            assertThat(reap()).isEqualTo(NONE);
            runsOut();
            assertThat(reap().expired()).containsExactly(id);
            assertThat(ledger.reclaim(id, LEASE, 1, 30)).isEqualTo(WAITS);
            assertThat(job("failures")).isEqualTo("0");
            assertThat(ledger.recover(id, model)).isTrue();
            assertThat(waiting()).containsExactly(id);
        }

        @Test
        void anOverdueJobIsFoundWhereverItIs() {
            ledger.enqueue(id, model, RedisFixture.arrival(10), null, LEASE);
            score(Keys.deadlines(model), id, LONG_AGO);
            Stuck overdue = new Stuck(List.of(), List.of(id), List.of());
            assertThat(reap()).as("waits").isEqualTo(overdue);
            claim();
            assertThat(reap()).as("runs").isEqualTo(overdue);
            ledger.release(id, model);
            assertThat(reap()).isEqualTo(NONE);
        }

        @Test
        void aJobThatNobodyFollowsIsFoundUntilSomebodyDoes() {
            ledger.enqueue(id, model, RedisFixture.arrival(10), ATTENTION, null);
            assertThat(reap()).isEqualTo(NONE);
            score(Keys.followed(model), id, LONG_AGO);
            assertThat(reap()).isEqualTo(new Stuck(List.of(), List.of(), List.of(id)));
            ledger.attend(model, ATTENTION, List.of(id));
            assertThat(reap()).isEqualTo(NONE);
        }

        @Test
        void aJobMayNeedHelpInEveryWay() {
            lease(id, LEASE);
            for (String key : List.of(Keys.running(model), Keys.deadlines(model), Keys.followed(model))) {
                score(key, id, LONG_AGO);
            }
            assertThat(reap()).isEqualTo(new Stuck(List.of(id), List.of(id), List.of(id)));
        }

        @Test
        void ofEachKindAPageIsFoundTheOldestFirst() {
            for (String key : List.of(Keys.running(model), Keys.deadlines(model), Keys.followed(model))) {
                score(key, "third", LONG_AGO + 2);
                score(key, "first", LONG_AGO);
                score(key, "second", LONG_AGO + 1);
            }
            List<String> page = List.of("first", "second");
            assertThat(ledger.reap(model, LEASE, ATTENTION, PAUSE, 2)).isEqualTo(new Stuck(page, page, page));
            for (String helped : page) {
                ledger.remove(helped, model);
            }
            List<String> rest = List.of("third");
            assertThat(ledger.reap(model, LEASE, ATTENTION, PAUSE, 2)).isEqualTo(new Stuck(rest, rest, rest));
        }

        @Test
        void whereNothingIsThereIsNothingToFind() {
            assertThat(reap()).isEqualTo(NONE);
            assertThat(redis.keys("flux:{" + model + "}*")).containsExactly(Keys.reaper(model));
        }
    }

    /** When Redis or all of Flux was away, nobody could renew a lease. */
    @Nested
    class Mercy {
        @BeforeEach
        void allHasRunOut() {
            for (String key : List.of(Keys.running(model), Keys.deadlines(model), Keys.followed(model))) {
                score(key, id, LONG_AGO);
            }
        }

        @Test
        void atTheVeryFirstLookOnlyTheOverdueAreFound() {
            assertThat(reap()).isEqualTo(new Stuck(List.of(), List.of(id), List.of()));
            assertThat(reap()).as("and at the second").isEqualTo(new Stuck(List.of(), List.of(id), List.of()));
        }

        @Test
        void afterAPauseOnlyTheOverdueAreFound() {
            watched();
            put(Keys.reaper(model), "last_ms", redisTime() - PAUSE.toMillis() - 1);
            assertThat(reap()).isEqualTo(new Stuck(List.of(), List.of(id), List.of()));
        }

        @Test
        void itGivesOneFullLengthToWhatIsThereThen() {
            reap();
            long now = redisTime();
            assertThat(redis.opsForZSet().score(Keys.running(model), id))
                    .isBetween((double) now, (double) now + LEASE.toMillis());
            assertThat(redis.opsForZSet().score(Keys.followed(model), id))
                    .isBetween((double) now, (double) now + ATTENTION.toMillis());
        }

        @Test
        void whatRunsOutWhileSomebodyLooksIsFound() {
            watched();
            assertThat(reap()).isEqualTo(new Stuck(List.of(id), List.of(id), List.of(id)));
        }

        @Test
        void aLeaseThatLastsLongerStaysAsItIs() {
            long later = redisTime() + LEASE.toMillis() * 10;
            score(Keys.running(model), id, later);
            reap();
            assertThat(redis.opsForZSet().score(Keys.running(model), id)).isEqualTo((double) later);
        }
    }

    /** What was written before is in the future by the length of the step. */
    @Nested
    class WhenRedissClockWasSetBack {
        private static final long STEP = 3_600_000;

        @BeforeEach
        void anHour() {
            long then = redisTime() + STEP;
            put(Keys.reaper(model), "last_ms", then);
            score(Keys.running(model), id, then + LEASE.toMillis());
            score(Keys.followed(model), id, then + ATTENTION.toMillis());
            score(Keys.deadlines(model), id, then + 20_000);
        }

        @Test
        void leasesAndFollowersGetOneFullLengthAndNoMore() {
            assertThat(reap()).isEqualTo(new Stuck(List.of(), List.of(), List.of()));
            long now = redisTime();
            assertThat(score(Keys.running(model), id)).isBetween(now, now + LEASE.toMillis());
            assertThat(score(Keys.followed(model), id)).isBetween(now, now + ATTENTION.toMillis());
        }

        @Test
        void aDeadlineKeepsItsDistance() {
            reap();
            assertThat(score(Keys.deadlines(model), id) - redisTime()).isBetween(10_000L, 20_000L);
        }

        @Test
        void theNextLookFindsNothingNew() {
            reap();
            long lease = score(Keys.running(model), id);
            reap();
            assertThat(score(Keys.running(model), id)).isEqualTo(lease);
        }

        @Test
        void anAttemptThatBeganBeforeIsTakenFromItsWorkerWhenItsLeaseHasRunOut() {
            create();
            start();
            put(Keys.job(id), "begun_ms", redisTime() + STEP);
            assertThat(ledger.reclaim(id, LEASE, 3, 30)).isEqualTo(WAITS);
        }

        @Test
        void noTimeOfAnAttemptIsNegative() {
            create();
            put(Keys.job(id), "created_ms", redisTime() + STEP);
            put(Keys.job(id), "requeued_ms", redisTime() + STEP);
            Started started = start();
            assertThat(started.queueMs()).isZero();
            assertThat(started.requeueMs()).isZero();
            assertThat(started.runningMs()).isZero();
        }
    }

    @Nested
    class Reclaiming {
        @Test
        void theAttemptIsOverAndItsWorkerWritesNothingMore() {
            create();
            start();
            assertThat(reclaim(3, 30)).isEqualTo(WAITS);
            assertThat(state()).isEqualTo("queued");
            assertThat(job("worker")).isNull();
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.FENCED);
            assertThat(ledger.check(id, 1)).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 1, "{}", "stop"));
            fenced(() -> ledger.die(id, 1, 1, "{}", "engine_failed", FAILURE, DEAD_RETENTION));
            fenced(() -> ledger.retry(id, 1, true, "engine_failed"));
            assertThat(frames()).isEmpty();
            assertThat(start().attempt()).isEqualTo(2);
        }

        @Test
        void anAttemptThatHadWrittenNothingCountsAsFailedOnce() {
            create();
            start();
            ledger.append(id, 1, 1, "{\"start\":1}"); // says only that it begins
            assertThat(reclaim(3, 30)).isEqualTo(WAITS);
            assertThat(reclaim(3, 30)).isEqualTo(WAITS);
            assertThat(job("failures")).isEqualTo("1");
            assertThat(start().failures()).isEqualTo(1);
        }

        @Test
        void anAttemptThatHadWrittenDoesNotCount() {
            create();
            start();
            ledger.append(id, 1, 1, "{\"start\":1}");
            ledger.append(id, 1, 2, "{\"token\":1}");
            assertThat(reclaim(1, 30)).isEqualTo(WAITS);
            assertThat(start().failures()).isZero();
            ledger.append(id, 2, 3, "{\"restart\":1}");
            assertThat(reclaim(2, 30))
                    .as("what the first had written is not the second's")
                    .isEqualTo(WAITS);
            assertThat(start().failures()).isEqualTo(1);
        }

        @Test
        void aJobThatKillsItsWorkersIsExhausted() {
            create();
            start();
            assertThat(reclaim(3, 30)).isEqualTo(WAITS);
            start();
            ledger.retry(id, 2, true, "engine_failed"); // its engine failed: that counts as well
            start();
            Reclaimed exhausted = new Reclaimed(Fate.EXHAUSTED, null, 3);
            assertThat(reclaim(3, 30)).isEqualTo(exhausted);
            assertThat(reclaim(3, 30)).as("until it has ended").isEqualTo(exhausted);
            assertThat(state()).isEqualTo("queued");
        }

        @Test
        void aJobWhoseWorkersWereUnluckyTooOftenIsExhausted() {
            create();
            for (int attempt = 1; attempt <= 3; attempt++) {
                long seq = start().seq();
                ledger.append(id, attempt, seq + 1, "{\"start\":1}");
                ledger.append(id, attempt, seq + 2, "{\"token\":1}");
                assertThat(reclaim(1, 3)).isEqualTo(attempt < 3 ? WAITS : new Reclaimed(Fate.EXHAUSTED, null, 3));
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"cancelled", "deadline"})
        void aJobThatWasToBeStoppedIsUnwanted(String reason) {
            create();
            start();
            end(reason);
            Reclaimed unwanted = new Reclaimed(Fate.UNWANTED, reason, 0);
            assertThat(reclaim(3, 30)).isEqualTo(unwanted);
            assertThat(reclaim(1, 1)).as("whether it is exhausted or not").isEqualTo(unwanted);
            assertThat(end(reason).outcome()).isEqualTo(Ended.Outcome.ENDED);
        }

        @Test
        void aJobThatHasEndedOrIsGoneIsOver() {
            assertThat(reclaim(3, 30)).isEqualTo(fate(Fate.OVER));
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
            create();
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            Map<String, String> before = wholeJob();
            assertThat(reclaim(1, 1)).isEqualTo(fate(Fate.OVER));
            assertThat(wholeJob()).isEqualTo(before);
        }

        @Test
        void aJobThatHasDiedIsDead() {
            create();
            start();
            ledger.die(id, 1, 1, "{}", "engine_failed", FAILURE, DEAD_RETENTION);
            Map<String, String> before = wholeJob();
            assertThat(reclaim(3, 30)).isEqualTo(fate(Fate.DEAD));
            assertThat(wholeJob()).isEqualTo(before);
        }

        @Test
        void aJobThatWasNeverStartedWaits() {
            create("{}");
            Map<String, String> before = wholeJob();
            assertThat(reclaim(1, 30)).as("its gateway has not accepted it yet").isEqualTo(WAITS);
            assertThat(wholeJob()).isEqualTo(before);
            ledger.accept(id);
            before = wholeJob();
            assertThat(reclaim(1, 30)).isEqualTo(WAITS);
            assertThat(wholeJob()).isEqualTo(before);
        }

        @Test
        void anAttemptThatIsYoungerThanALeaseHasNotLostItsOwn() {
            create();
            start();
            end();
            Map<String, String> before = wholeJob();
            assertThat(ledger.reclaim(id, LEASE, 1, 1)).isEqualTo(fate(Fate.RUNS));
            assertThat(wholeJob()).isEqualTo(before);
            put(Keys.job(id), "begun_ms", redisTime() - LEASE.toMillis());
            assertThat(ledger.reclaim(id, LEASE, 3, 30).fate()).isEqualTo(Fate.UNWANTED);
        }

        @Test
        void whoComesLateDoesNotTakeTheJobFromItsNextWorker() {
            watched();
            create();
            lease(id, LEASE);
            start("worker-1");
            put(Keys.job(id), "begun_ms", LONG_AGO);
            runsOut();
            assertThat(reap().expired()).as("by one process").containsExactly(id);
            assertThat(reap().expired()).as("by another").containsExactly(id);
            assertThat(ledger.reclaim(id, LEASE, 3, 30)).isEqualTo(WAITS);
            ledger.recover(id, model);
            assertThat(claim()).isEqualTo(id);
            start("worker-2");
            assertThat(ledger.reclaim(id, LEASE, 3, 30)).isEqualTo(fate(Fate.RUNS));
            assertThat(ledger.recover(id, model)).isFalse();
            assertThat(ledger.append(id, 2, 1, "{}")).isEqualTo(Write.OK);
            assertThat(job("failures")).isEqualTo("1");
        }
    }

    @Nested
    class Recovering {
        @Test
        void aJobWhoseLeaseHasRunOutIsTheNextToBeServed() {
            enqueue("first", 10);
            lease(id, LEASE);
            runsOut();
            assertThat(ledger.recover(id, model)).isTrue();
            assertThat(waiting()).containsExactly(id, "first");
            assertThat(score(Keys.running(model), id)).isNull();
        }

        @Test
        void aLeaseThatWasRenewedMeanwhileStays() {
            lease(id, LEASE);
            assertThat(ledger.recover(id, model)).isFalse();
            assertThat(score(Keys.running(model), id)).isNotNull();
            assertThat(waiting()).isEmpty();
        }

        @Test
        void recoveringTwiceQueuesOnce() {
            lease(id, LEASE);
            runsOut();
            assertThat(ledger.recover(id, model)).isTrue();
            assertThat(ledger.recover(id, model)).isFalse();
            assertThat(waiting()).containsExactly(id);
        }

        @Test
        void aJobWithoutALeaseIsNotMoved() {
            assertThat(ledger.recover(id, model)).isFalse();
            assertThat(redis.keys("flux:{" + model + "}*")).isEmpty();
        }
    }

    /** The two ways in which a job ends for want of attempts: its worker says so, or the reaper. */
    @Nested
    class Dying {
        @Test
        void aJobThatDiesEndsLikeAnyOtherAndKeepsWhyForLonger() {
            create();
            start();
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                ledger.append(id, 1, 1, "{\"start\":1}");
                ledger.die(id, 1, 2, "{\"error\":1}", "engine_failed", FAILURE, DEAD_RETENTION);
                ledger.die(id, 1, 2, "{\"error\":1}", "engine_failed", FAILURE, DEAD_RETENTION);
                redis.convertAndSend(channel, "end"); // in a Cluster by way of another node, perhaps, and overtaking
                await().until(() -> heard.contains("end") && heard.contains(id + " 2 ! {\"error\":1}"));
                heard.remove("end");
            }
            assertThat(heard).containsExactly(id + " 1 . {\"start\":1}", id + " 2 ! {\"error\":1}");
            assertThat(frames()).containsExactly("{\"start\":1}", "{\"error\":1}");
            assertThat(state()).isEqualTo("done");
            assertThat(job("outcome")).isEqualTo("engine_failed");
            assertThat(job("failure")).isEqualTo(FAILURE);
            expires(DEAD_RETENTION);
        }

        @Test
        void aJobThatHasFinishedDoesNotDie() {
            create();
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            fenced(() -> ledger.die(id, 1, 2, "{}", "engine_failed", FAILURE, DEAD_RETENTION));
            assertThat(job("failure")).isNull();
            assertThat(ttl(Keys.job(id))).isLessThanOrEqualTo(RETENTION.toMillis());
        }

        @Test
        void anExhaustedJobEndsAndItsFollowersHear() {
            create();
            start();
            reclaim(1, 30);
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                assertThat(exhaust(FAILURE)).isEqualTo(new Ended(Ended.Outcome.ENDED, model, null));
                await().until(() -> !heard.isEmpty());
            }
            assertThat(heard).containsExactly(id + " 1 ! {\"seq\":1,\"x\":0}");
            assertThat(state()).isEqualTo("done");
            assertThat(job("outcome")).isEqualTo("engine_failed");
            assertThat(job("failure")).isEqualTo(FAILURE);
            expires(DEAD_RETENTION);
        }

        @Test
        void exhaustingTwiceEndsOnce() {
            create();
            exhaust(FAILURE);
            assertThat(exhaust("{\"another\":1}")).isEqualTo(new Ended(Ended.Outcome.DEAD, model, null));
            assertThat(frames()).hasSize(1);
            assertThat(job("failure")).isEqualTo(FAILURE);
        }

        @Test
        void aJobThatRunsIsNotExhaustedNorStopped() {
            create();
            start();
            assertThat(exhaust(FAILURE)).isEqualTo(new Ended(Ended.Outcome.RUNNING, model, "worker"));
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.OK);
            assertThat(job("stop")).isNull();
            assertThat(job("failure")).isNull();
        }

        @Test
        void aJobThatHasEndedAnotherWayIsNoDeadLetter() {
            assertThat(exhaust(FAILURE)).isEqualTo(new Ended(Ended.Outcome.UNKNOWN, null, null));
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
            create();
            end();
            assertThat(exhaust(FAILURE).outcome()).isEqualTo(Ended.Outcome.DONE);
            assertThat(job("failure")).isNull();
            assertThat(job("outcome")).isEqualTo("cancelled");
            assertThat(ttl(Keys.job(id))).isLessThanOrEqualTo(RETENTION.toMillis());
        }
    }

    @Nested
    class Removing {
        @Test
        void aJobThatHasEndedLeavesEveryListAndNobodyElseDoes() {
            for (String job : List.of(id, "other")) {
                enqueue(job, 10);
                score(Keys.running(model), job, LONG_AGO);
                score(Keys.followed(model), job, LONG_AGO);
                score(Keys.deadlines(model), job, LONG_AGO);
            }
            ledger.remove(id, model);
            ledger.remove(id, model);
            assertThat(waiting()).containsExactly("other");
            assertThat(tickets()).isEqualTo(1);
            for (String key : List.of(Keys.running(model), Keys.followed(model), Keys.deadlines(model))) {
                assertThat(redis.opsForZSet().range(key, 0, -1)).as(key).containsExactly("other");
            }
        }

        @Test
        void aDeadLetterIsNotRemoved() {
            ledger.bury(id, model);
            ledger.remove(id, model);
            assertThat(dead()).containsExactly(id);
        }
    }

    @Nested
    class DeadLetters {
        @Test
        void aBuriedJobLeavesTheOtherLists() {
            for (String key : List.of(Keys.running(model), Keys.followed(model), Keys.deadlines(model))) {
                score(key, id, LONG_AGO);
                score(key, "other", LONG_AGO);
            }
            ledger.bury(id, model);
            assertThat(dead()).containsExactly(id);
            for (String key : List.of(Keys.running(model), Keys.followed(model), Keys.deadlines(model))) {
                assertThat(redis.opsForZSet().range(key, 0, -1)).as(key).containsExactly("other");
            }
        }

        @Test
        void buryingTwiceLeavesOneLetter() {
            ledger.bury(id, model);
            ledger.bury("other", model);
            ledger.bury(id, model);
            assertThat(dead()).containsExactly(id, "other");
        }

        @Test
        void theNewestAreListedFirst() {
            List<String> ids = die(3);
            assertThat(ledger.dead(model, 100))
                    .extracting(DeadLetter::id)
                    .containsExactly(ids.get(2), ids.get(1), ids.get(0));
            assertThat(ledger.dead(model, 2)).extracting(DeadLetter::id).containsExactly(ids.get(2), ids.get(1));
        }

        @Test
        void aLetterHoldsWhatWasAskedAndWhyItDied() {
            long before = redisTime();
            die(1);
            long after = redisTime();
            DeadLetter letter = ledger.deadLetter(id);
            assertThat(letter).isEqualTo(new DeadLetter(id, model, "{\"p\":1}", FAILURE, letter.createdMs()));
            assertThat(letter.createdMs()).isBetween(before, after);
            assertThat(ledger.dead(model, 100)).containsExactly(letter);
        }

        @Test
        void aJobThatDidNotDieIsNoLetter() {
            assertThat(ledger.deadLetter(id)).isNull();
            create();
            assertThat(ledger.deadLetter(id)).isNull();
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            assertThat(ledger.deadLetter(id)).isNull();
            assertThat(ledger.dead(model, 100)).isEmpty();
        }

        @Test
        void aLetterThatWasDugUpIsReadableAndNotListed() {
            List<String> ids = die(2);
            assertThat(ledger.unbury(id, model)).isTrue();
            assertThat(ledger.unbury(id, model)).isFalse();
            assertThat(ledger.dead(model, 100)).extracting(DeadLetter::id).containsExactly(ids.get(0));
            assertThat(ledger.deadLetter(id)).isNotNull();
        }

        @Test
        void aDeletedJobIsGone() {
            die(1);
            ledger.delete(id);
            ledger.delete(id);
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
            assertThat(ledger.dead(model, 100)).isEmpty();
        }

        @Test
        void lettersWhoseTimeIsOverLeaveTheListFromItsOldEnd() {
            List<String> ids = die(4);
            for (int expired : new int[] {0, 1, 3}) {
                redis.delete(Keys.job(ids.get(expired)));
            }
            assertThat(ledger.dead(model, 100)).extracting(DeadLetter::id).containsExactly(ids.get(2));
            ledger.forgetDead(model);
            ledger.forgetDead(model);
            assertThat(dead()).as("the newest goes when it is the oldest").containsExactly(ids.get(3), ids.get(2));
            redis.delete(Keys.job(ids.get(2)));
            ledger.forgetDead(model);
            assertThat(redis.hasKey(Keys.dead(model))).isFalse();
        }

        @Test
        void aNewJobUnderTheIdOfAnExpiredLetterIsNone() {
            die(1);
            ledger.delete(id);
            create();
            ledger.forgetDead(model);
            assertThat(dead()).isEmpty();
        }

        /** Jobs that die one after the other; the last one is {@code id}. */
        private List<String> die(int count) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                id = RedisFixture.name("job");
                create("{\"p\":1}");
                start();
                ledger.die(id, 1, 1, "{}", "engine_failed", FAILURE, DEAD_RETENTION);
                ledger.bury(id, model);
                ids.add(id);
            }
            return ids;
        }
    }

    private Stuck reap() {
        return ledger.reap(model, LEASE, ATTENTION, PAUSE, 100);
    }

    /** Somebody has looked all the time, last right now. */
    private void watched() {
        put(Keys.reaper(model), "last_ms", redisTime());
    }

    private void runsOut() {
        score(Keys.running(model), id, LONG_AGO);
    }

    private static Reclaimed fate(Fate fate) {
        return new Reclaimed(fate, null, 0);
    }
}
