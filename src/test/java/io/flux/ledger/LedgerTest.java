package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.StringRedisTemplate;

/** Every transition, against a real Redis: what it does, that repeating it is harmless, and whom it refuses. */
@Timeout(60)
class LedgerTest {
    private static final Duration RETENTION = Duration.ofHours(1);
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final StringRedisTemplate redis = RedisFixture.redis();
    private final Ledger ledger = RedisFixture.ledger();
    private String id;
    private String model;
    private String channel;

    @BeforeEach
    void names() {
        id = RedisFixture.name("job");
        model = RedisFixture.name("model");
        channel = RedisFixture.name("flux:gateway:");
    }

    @Test
    void aJobGoesFromCreationToItsEnd() {
        assertThat(ledger.create(id, model, "{}")).isEqualTo(Created.NEW);
        assertThat(state()).isEqualTo("created");
        assertThat(ledger.enqueue(id, model, 10)).isEqualTo(1);
        ledger.accept(id);
        assertThat(state()).isEqualTo("queued");
        pop();
        assertThat(ledger.lease(id, model, LEASE)).isTrue();
        Started started = ledger.start(id, "worker-1");
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
            assertThat(ledger.create(id, model, "{\"a\":1}")).isEqualTo(Created.NEW);
            assertThat(ledger.create(id, model, "{\"a\":1}"))
                    .as("not in the queue yet: whoever comes again goes on where the other stopped")
                    .isEqualTo(Created.NEW);
            ledger.enqueue(id, model, 10);
            ledger.accept(id);
            assertThat(ledger.create(id, model, "{\"a\":1}")).isEqualTo(Created.EXISTS);
            start();
            assertThat(ledger.create(id, model, "{\"a\":1}")).isEqualTo(Created.EXISTS);
            ledger.finish(id, 1, 1, "{}", "stop");
            assertThat(ledger.create(id, model, "{\"a\":1}")).isEqualTo(Created.EXISTS);
            assertThat(state()).isEqualTo("done");
        }

        @Test
        void anotherRequestUnderTheSameIdIsAConflictAndChangesNothing() {
            ledger.create(id, model, "{\"a\":1}");
            assertThat(ledger.create(id, model, "{\"a\":2}")).isEqualTo(Created.CONFLICT);
            ledger.accept(id);
            assertThat(ledger.create(id, model, "{\"a\":2}")).isEqualTo(Created.CONFLICT);
            assertThat(job("request")).isEqualTo("{\"a\":1}");
        }

        @Test
        void aRequestKeepsItsText() {
            ledger.create(id, model, "{\"prompt\":\"Grüße 🌙 \\u0000 \n\"}");
            assertThat(start().request()).isEqualTo("{\"prompt\":\"Grüße 🌙 \\u0000 \n\"}");
        }

        @Test
        void aJobThatIsNeverAcceptedExpires() {
            Ledger impatient = new Ledger(redis, RETENTION, Duration.ofMillis(50));
            impatient.create(id, model, "{}");
            await().until(() -> !Boolean.TRUE.equals(redis.hasKey(Keys.job(id))));
            assertThat(ledger.start(id, "worker")).isNull();
        }

        @Test
        void anAcceptedJobDoesNotExpire() {
            ledger.create(id, model, "{}");
            assertThat(ttl(Keys.job(id))).isPositive();
            ledger.accept(id);
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
            ledger.accept(id);
            assertThat(state()).isEqualTo("queued");
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
        }

        @Test
        void aJobThatAWorkerHasStartedDoesNotExpireThoughItWasNotAcceptedYet() {
            ledger.create(id, model, "{}");
            start();
            assertThat(ttl(Keys.job(id))).isEqualTo(-1);
            ledger.accept(id);
            assertThat(state()).as("accepted late").isEqualTo("running");
        }

        @Test
        void acceptingLateDoesNotKeepAFinishedJobForEver() {
            ledger.create(id, model, "{}");
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
            ledger.create(id, model, "{}");
            start(); // the same request, sent twice at once: the other one got through
            ledger.forget(id);
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.OK);
        }

        @Test
        void aForgottenJobIsGone() {
            ledger.create(id, model, "{}");
            ledger.forget(id);
            ledger.forget(id);
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }
    }

    @Nested
    class Queue {
        @Test
        void thePositionIsOneForTheNextToBeServed() {
            assertThat(ledger.enqueue("a", model, 3)).isEqualTo(1);
            assertThat(ledger.enqueue("b", model, 3)).isEqualTo(2);
            assertThat(ledger.enqueue("c", model, 3)).isEqualTo(3);
            assertThat(redis.opsForList().rightPop(Keys.waiting(model))).isEqualTo("a");
        }

        @Test
        void aJobThatWaitsAlreadyKeepsItsPlace() {
            ledger.enqueue("a", model, 3);
            ledger.enqueue("b", model, 3);
            ledger.enqueue("c", model, 3);
            assertThat(ledger.enqueue("a", model, 3)).isEqualTo(1);
            assertThat(ledger.enqueue("b", model, 3)).isEqualTo(2);
            assertThat(ledger.enqueue("c", model, 3)).isEqualTo(3);
            assertThat(waiting()).containsExactly("c", "b", "a");
        }

        @Test
        void aFullQueueRefusesAndSaysHowManyWait() {
            ledger.enqueue("a", model, 2);
            ledger.enqueue("b", model, 2);
            assertThat(ledger.enqueue("c", model, 2)).isEqualTo(-2);
            assertThat(waiting()).containsExactly("b", "a");
        }

        @Test
        void theBoundHoldsHoweverManyComeAtOnce() throws InterruptedException {
            List<Long> positions = Collections.synchronizedList(new ArrayList<>());
            List<Thread> clients = IntStream.range(0, 8)
                    .mapToObj(client -> new Thread(() -> {
                        for (int i = 0; i < 10; i++) {
                            positions.add(ledger.enqueue(client + "." + i, model, 25));
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
        void onlyAPoppedJobIsLeased() {
            ledger.create(id, model, "{}");
            ledger.enqueue(id, model, 10);
            assertThat(ledger.lease(id, model, LEASE)).as("still waiting").isFalse();
            pop();
            long before = redisTime();
            assertThat(ledger.lease(id, model, LEASE)).isTrue();
            long after = redisTime();
            assertThat(ledger.lease(id, model, LEASE)).as("once").isFalse();
            assertThat(redis.opsForList().size(Keys.claimed(model))).isZero();
            assertThat(redis.opsForZSet().score(Keys.running(model), id).longValue())
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
            ledger.enqueue("second", model, 10);
            assertThat(ledger.requeue(id, model)).isTrue();
            assertThat(waiting()).containsExactly("second", id);
            assertThat(redis.opsForZSet().score(Keys.running(model), id)).isNull();
        }

        @Test
        void givingBackTwiceQueuesOnce() {
            lease(id, LEASE);
            assertThat(ledger.requeue(id, model)).isTrue();
            assertThat(ledger.requeue(id, model)).isFalse();
            assertThat(waiting()).containsExactly(id);
        }

        @Test
        void whoHasNoLeaseGivesNothingBack() {
            assertThat(ledger.requeue(id, model)).isFalse();
            assertThat(waiting()).isEmpty();
        }

        private long redisTime() {
            return redis.execute((RedisCallback<Long>)
                    connection -> connection.serverCommands().time());
        }
    }

    @Nested
    class Attempts {
        @Test
        void oneAttemptAtATime() {
            create();
            assertThat(ledger.start(id, "worker-1")).isNotNull();
            fenced(() -> ledger.start(id, "worker-2"));
            assertThat(job("worker")).isEqualTo("worker-1");
            assertThat(job("attempt")).isEqualTo("1");
        }

        @Test
        void aJobThatHasEndedOrIsGoneIsNotStarted() {
            assertThat(ledger.start(id, "worker")).isNull();
            assertThat(redis.hasKey(Keys.job(id))).isFalse();
            create();
            start();
            ledger.finish(id, 1, 1, "{}", "stop");
            assertThat(ledger.start(id, "worker")).isNull();
        }

        @Test
        void theNextAttemptGoesOnWhereTheJournalEnds() {
            create();
            start();
            ledger.append(id, 1, 1, "{}");
            ledger.append(id, 1, 2, "{}");
            assertThat(ledger.retry(id, 1)).isTrue();
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
            ledger.retry(id, 1);
            Started second = start();
            assertThat(second.queueMs()).isEqualTo(first);
            assertThat(second.runningMs()).isBetween(1000L, 60_000L);
        }

        @Test
        void retryingTwiceIsHarmless() {
            create();
            start();
            assertThat(ledger.retry(id, 1)).isTrue();
            assertThat(ledger.retry(id, 1)).isTrue();
            assertThat(start().attempt()).isEqualTo(2);
            fenced(() -> ledger.retry(id, 1));
            assertThat(state()).isEqualTo("running");
        }

        @Test
        void aCancelledJobIsNotRetried() {
            create();
            start();
            cancel();
            assertThat(ledger.retry(id, 1)).isFalse();
            assertThat(state()).isEqualTo("running");
            ledger.finish(id, 1, 1, "{}", "cancelled");
            fenced(() -> ledger.retry(id, 1));
        }

        @Test
        void anAttemptThatIsOverWritesNothing() {
            create();
            start();
            ledger.append(id, 1, 1, "{\"old\":1}");
            ledger.retry(id, 1);
            assertThat(ledger.append(id, 1, 2, "{\"late\":1}"))
                    .as("between attempts")
                    .isEqualTo(Write.FENCED);
            start();
            assertThat(ledger.append(id, 1, 2, "{\"late\":1}")).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 2, "{\"late\":1}", "stop"));
            fenced(() -> ledger.retry(id, 1));
            assertThat(ledger.append(id, 2, 2, "{\"new\":1}")).isEqualTo(Write.OK);
            assertThat(frames()).containsExactly("{\"old\":1}", "{\"new\":1}");
            assertThat(state()).isEqualTo("running");
        }

        @Test
        void nobodyWritesToAJobThatIsGone() {
            assertThat(ledger.append(id, 1, 1, "{}")).isEqualTo(Write.FENCED);
            fenced(() -> ledger.finish(id, 1, 1, "{}", "stop"));
            fenced(() -> ledger.retry(id, 1));
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void anEventWrittenTwiceIsInTheJournalAndOnTheChannelOnce() {
            create();
            start();
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = RedisFixture.subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.OK);
                assertThat(ledger.append(id, 1, 1, "{\"a\":1}")).isEqualTo(Write.OK);
                ledger.finish(id, 1, 2, "{\"b\":1}", "stop");
                ledger.finish(id, 1, 2, "{\"b\":1}", "stop");
                redis.convertAndSend(channel, "end");
                await().until(() -> heard.contains("end"));
            }
            assertThat(frames()).containsExactly("{\"a\":1}", "{\"b\":1}");
            assertThat(heard).containsExactly(id + " 1 . {\"a\":1}", id + " 2 ! {\"b\":1}", "end");
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
            cancel();
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
            for (String key : List.of(Keys.job(id), Keys.journal(id), Keys.followers(id))) {
                assertThat(ttl(key)).isBetween(1L, RETENTION.toMillis());
            }
            new Ledger(redis, Duration.ofMillis(30), Duration.ofMinutes(1)).cancel(id, "{", "}");
            assertThat(ttl(Keys.job(id))).as("a late cancel changes nothing").isGreaterThan(60_000);
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
            try (var unused = RedisFixture.subscribe(channel, message -> heard.add(JournalEntry.published(message)))) {
                ledger.follow(id, channel, 0, 10);
                ledger.append(id, 1, 1, frame);
                await().until(() -> !heard.isEmpty());
            }
            assertThat(heard).containsExactly(new JournalEntry(id, 1, false, frame));
            assertThat(frames()).containsExactly(frame);
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
            ledger.unfollow(id, channel);
            ledger.unfollow(id, channel);
            assertThat(followers()).containsExactly(stays);
            ledger.unfollow(id, stays);
            assertThat(redis.hasKey(Keys.followers(id))).isFalse();
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
            try (var unused =
                    RedisFixture.subscribe(channel, message -> published.add(JournalEntry.published(message)))) {
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
    class Cancelling {
        @Test
        void anUnknownJob() {
            assertThat(cancel()).isEqualTo(new Cancelled(Cancelled.Outcome.UNKNOWN, null, null));
            assertThat(redis.keys("flux:{" + id + "}*")).isEmpty();
        }

        @Test
        void aWaitingJobEndsAtOnceAndItsFollowersHear() {
            create();
            ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
            try (var unused = RedisFixture.subscribe(channel, heard::add)) {
                ledger.follow(id, channel, 0, 10);
                assertThat(cancel()).isEqualTo(new Cancelled(Cancelled.Outcome.ENDED, model, null));
                await().until(() -> !heard.isEmpty());
            }
            assertThat(heard).containsExactly(id + " 1 ! {\"seq\":1,\"x\":0}");
            assertThat(frames()).containsExactly("{\"seq\":1,\"x\":0}");
            assertThat(state()).isEqualTo("done");
            assertThat(job("outcome")).isEqualTo("cancelled");
            for (String key : List.of(Keys.job(id), Keys.journal(id), Keys.followers(id))) {
                assertThat(ttl(key)).isBetween(1L, RETENTION.toMillis());
            }
            assertThat(ledger.start(id, "worker")).as("popped all the same").isNull();
        }

        @Test
        void aJobThatIsNotAcceptedYetEndsAtOnce() {
            ledger.create(id, model, "{}");
            assertThat(cancel().outcome()).isEqualTo(Cancelled.Outcome.ENDED);
        }

        @Test
        void aJobBetweenTwoAttemptsEndsAfterItsLastEvent() {
            create();
            start();
            ledger.append(id, 1, 1, "one");
            ledger.append(id, 1, 2, "two");
            ledger.retry(id, 1);
            assertThat(cancel().outcome()).isEqualTo(Cancelled.Outcome.ENDED);
            assertThat(frames()).containsExactly("one", "two", "{\"seq\":3,\"x\":0}");
        }

        @Test
        void aRunningJobIsMarkedAndItsWorkerIsNamed() {
            create();
            start();
            assertThat(cancel()).isEqualTo(new Cancelled(Cancelled.Outcome.RUNNING, model, "worker"));
            assertThat(cancel()).isEqualTo(new Cancelled(Cancelled.Outcome.RUNNING, model, "worker"));
            assertThat(state()).isEqualTo("running");
            assertThat(frames()).isEmpty();
        }

        @Test
        void aJobThatHasEndedStaysAsItIs() {
            create();
            start();
            ledger.finish(id, 1, 1, "end", "stop");
            assertThat(cancel()).isEqualTo(new Cancelled(Cancelled.Outcome.DONE, model, null));
            assertThat(frames()).containsExactly("end");
            assertThat(job("outcome")).isEqualTo("stop");
        }

        @Test
        void cancellingTwiceEndsOnce() {
            create();
            assertThat(cancel().outcome()).isEqualTo(Cancelled.Outcome.ENDED);
            assertThat(cancel().outcome()).isEqualTo(Cancelled.Outcome.DONE);
            assertThat(frames()).hasSize(1);
        }
    }

    private static void fenced(ThrowingCallable write) {
        assertThatThrownBy(write).isInstanceOf(FencedException.class);
    }

    private void create() {
        ledger.create(id, model, "{}");
        ledger.accept(id);
    }

    private Started start() {
        Started started = ledger.start(id, "worker");
        assertThat(started).isNotNull();
        return started;
    }

    private Cancelled cancel() {
        return ledger.cancel(id, "{\"seq\":", ",\"x\":0}");
    }

    private void pop() {
        redis.opsForList().rightPopAndLeftPush(Keys.waiting(model), Keys.claimed(model));
    }

    private void lease(String job, Duration length) {
        redis.opsForList().leftPush(Keys.claimed(model), job);
        assertThat(ledger.lease(job, model, length)).isTrue();
    }

    private String state() {
        return job("state");
    }

    private String job(String field) {
        return (String) redis.opsForHash().get(Keys.job(id), field);
    }

    private List<String> frames() {
        return ledger.read(id, 0, 1000).entries().stream()
                .map(JournalEntry::frame)
                .toList();
    }

    private List<String> waiting() {
        return redis.opsForList().range(Keys.waiting(model), 0, -1);
    }

    private Set<String> followers() {
        return redis.opsForSet().members(Keys.followers(id));
    }

    private long ttl(String key) {
        return redis.getExpire(key, TimeUnit.MILLISECONDS);
    }
}
