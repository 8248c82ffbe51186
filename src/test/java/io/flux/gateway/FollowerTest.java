package io.flux.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flux.ledger.Backlog;
import io.flux.ledger.JournalEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.dao.QueryTimeoutException;

@Timeout(60)
class FollowerTest {
    private static final Backlog UNKNOWN = new Backlog(false, "", "", List.of());
    private static final String GONE = "there is no such job any more";

    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(2);
    private final RecordingConnection client = new RecordingConnection();
    private final Journal journal = new Journal();
    private final AtomicInteger ends = new AtomicInteger();

    /** What Redis would hold; counts how often it is asked. */
    private static final class Journal implements Follower.JournalReader {
        private static final int PAGE = 7;
        private final List<JournalEntry> entries = new ArrayList<>();
        private final AtomicInteger reads = new AtomicInteger();
        private volatile int failures;
        private volatile boolean gone;
        private volatile CountDownLatch gate = new CountDownLatch(0);

        synchronized JournalEntry write(boolean last) {
            JournalEntry entry = new JournalEntry("job", entries.size() + 1, last, "event " + (entries.size() + 1));
            entries.add(entry);
            return entry;
        }

        synchronized Backlog after(long seq) {
            if (gone) {
                return UNKNOWN;
            }
            boolean done = !entries.isEmpty() && entries.get(entries.size() - 1).last();
            return new Backlog(
                    true,
                    done ? "done" : "running",
                    "m",
                    entries.stream()
                            .filter(entry -> entry.seq() > seq)
                            .limit(PAGE)
                            .toList());
        }

        @Override
        public Backlog read(String id, long after) {
            reads.incrementAndGet();
            try {
                assertThat(gate.await(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (failures > 0) {
                failures--;
                throw new QueryTimeoutException("Redis is away");
            }
            return after(after);
        }
    }

    @AfterEach
    void stop() {
        executor.shutdownNow();
    }

    @Test
    void whatTheJournalHoldsComesFirstAndThenWhatIsPublished() {
        journal.write(false);
        journal.write(false);
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        follower.offer(journal.write(false));
        assertThat(client.frames()).isEqualTo(events(1, 4));
    }

    @Test
    void aClientThatComesBackGetsOnlyWhatItDoesNotHave() {
        for (int i = 0; i < 5; i++) {
            journal.write(false);
        }
        Follower follower = begun(3);
        follower.offer(journal.write(false));
        assertThat(client.frames()).isEqualTo(events(4, 6));
    }

    @Test
    void aBacklogOfManyPagesIsDeliveredWhole() {
        for (int i = 0; i < 5 * Journal.PAGE; i++) {
            journal.write(false);
        }
        begun(0);
        assertThat(client.frames()).isEqualTo(events(1, 5 * Journal.PAGE));
    }

    @Test
    void aLiveFollowerIsServedWithoutReadingTheJournal() {
        Follower follower = begun(0);
        int reads = journal.reads.get();
        for (int i = 0; i < 100; i++) {
            follower.offer(journal.write(false));
        }
        assertThat(client.frames()).isEqualTo(events(1, 100));
        assertThat(journal.reads.get()).isEqualTo(reads);
    }

    @Test
    void whatIsOfferedTwiceIsSentOnce() {
        Follower follower = begun(0);
        JournalEntry first = journal.write(false);
        JournalEntry second = journal.write(false);
        List.of(first, first, second, first, second).forEach(follower::offer);
        assertThat(client.frames()).isEqualTo(events(1, 2));
    }

    @Test
    void aMissedEventIsReadFromTheJournal() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        journal.write(false); // lost on its way
        follower.offer(journal.write(false));
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 3)));
        awaitLive(follower, 3);
    }

    @Test
    void whatIsOfferedWhileTheJournalIsReadIsNotMissed() {
        Follower follower = begun(0);
        journal.gate = new CountDownLatch(1);
        int reads = journal.reads.get();
        journal.write(false); // lost on its way
        follower.offer(journal.write(false));
        await().until(() -> journal.reads.get() > reads);
        follower.offer(journal.write(false));
        follower.offer(journal.write(false));
        assertThat(client.frames()).isEmpty();
        journal.gate.countDown();
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 4)));
        awaitLive(follower, 4);
    }

    @Test
    void whatIsPublishedBeforeTheBacklogIsDeliveredIsNotMissedAndNotSentTwice() {
        JournalEntry first = journal.write(false);
        Backlog backlog = journal.after(0);
        Follower follower = follower(0);
        follower.offer(first);
        follower.offer(journal.write(false)); // after the backlog was read
        assertThat(client.frames()).isEmpty();
        follower.begin(backlog);
        assertThat(client.frames()).isEqualTo(events(1, 2));
    }

    @Test
    void aClientThatDoesNotReadIsSentNothingAndLaterEverythingOnce() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        client.stopReading();
        for (int i = 0; i < 50; i++) {
            follower.offer(journal.write(false));
        }
        assertThat(client.frames()).isEqualTo(events(1, 1));
        assertThat(client.waiters()).as("asks once, not for each event").isEqualTo(1);
        client.readOn();
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 51)));
        awaitLive(follower, 51);
    }

    @Test
    void aClientThatStopsReadingWhileItCatchesUpIsWaitedForToo() {
        RecordingConnection slow = new RecordingConnection(3);
        for (int i = 0; i < 20; i++) {
            journal.write(false);
        }
        slow.stopReading();
        Follower follower =
                new Follower("job", slow, 0, journal, () -> GONE, executor, ended -> ends.incrementAndGet());
        follower.begin(journal.after(0));
        assertThat(slow.frames()).isEqualTo(events(1, 3));
        slow.readOn();
        await().untilAsserted(() -> assertThat(slow.frames()).isEqualTo(events(1, 20)));
    }

    @Test
    void theEndOfAJobEndsItsFollower() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        assertThat(ends).hasValue(0);
        follower.offer(journal.write(true));
        follower.offer(journal.write(false));
        assertThat(client.frames()).isEqualTo(events(1, 2));
        assertThat(ends).hasValue(1);
    }

    @Test
    void theEndMayBeInTheBacklog() {
        journal.write(false);
        journal.write(true);
        begun(0);
        assertThat(client.frames()).isEqualTo(events(1, 2));
        assertThat(ends).hasValue(1);
    }

    @Test
    void aFollowerThatWasEndedSendsNothing() {
        Follower follower = begun(0);
        follower.end();
        follower.offer(journal.write(false));
        follower.begin(journal.after(0));
        assertThat(client.frames()).isEmpty();
        assertThat(ends).hasValue(0);
    }

    @Test
    void aFollowerThatWasEndedWhileItLaggedSendsNothing() {
        Follower follower = begun(0);
        client.stopReading();
        follower.offer(journal.write(false));
        follower.end();
        client.readOn();
        assertThat(client.frames()).isEmpty();
    }

    @Test
    void aJobWaitsUntilItsFirstEvent() {
        Follower follower = begun(0);
        assertThat(follower.isWaiting()).isTrue();
        follower.offer(journal.write(false));
        assertThat(follower.isWaiting()).isFalse();
    }

    @Test
    void aFollowerThatWasEndedDoesNotWait() {
        Follower follower = begun(0);
        follower.end();
        assertThat(follower.isWaiting()).isFalse();
    }

    @Test
    void aJobThatIsResumedInItsMiddleDoesNotWait() {
        journal.write(false);
        assertThat(begun(1).isWaiting()).isFalse();
    }

    @Test
    void aJournalThatCannotBeReadIsTriedAgain() {
        Follower follower = begun(0);
        journal.failures = 1;
        journal.write(false); // lost on its way
        follower.offer(journal.write(false));
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 2)));
        awaitLive(follower, 2);
    }

    @Test
    void aJournalThatCannotBeReadWhenTheFollowerBeginsIsTriedAgain() {
        for (int i = 0; i < 3 * Journal.PAGE; i++) {
            journal.write(false);
        }
        journal.failures = 2;
        Follower follower = begun(0);
        assertThat(client.frames()).as("what was read before").isEqualTo(events(1, Journal.PAGE));
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 3 * Journal.PAGE)));
        awaitLive(follower, 3 * Journal.PAGE);
    }

    @Test
    void whoeverComesBackWithTheEndHasNothingToWaitFor() {
        journal.write(false);
        journal.write(true);
        Follower follower = begun(2);
        assertThat(client.frames()).isEmpty();
        assertThat(ends).hasValue(1);
        assertThat(follower.isWaiting()).isFalse();
    }

    @Test
    void aJobThatRedisDoesNotKnowAnyMoreEndsWithAWord() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        journal.write(false); // lost on its way
        JournalEntry third = journal.write(false);
        journal.gone = true;
        follower.offer(third);
        await().untilAsserted(() -> assertThat(client.frames()).containsExactly("event 1", GONE));
        follower.offer(third);
        follower.refresh();
        assertThat(ends).hasValue(1);
        assertThat(client.frames()).containsExactly("event 1", GONE);
        assertThat(follower.isWaiting()).isFalse();
    }

    @Test
    void aJobThatIsGoneByTheTimeTheJournalCanBeReadEndsWithAWordToo() {
        journal.write(false);
        journal.failures = 1;
        Backlog backlog = journal.after(0);
        journal.gone = true;
        follower(0).begin(backlog);
        await().untilAsserted(() -> assertThat(client.frames()).containsExactly("event 1", GONE));
        assertThat(ends).hasValue(1);
    }

    @Test
    void anEndedFollowerIsNotToldThatItsJobIsGone() {
        Follower follower = begun(0);
        follower.end();
        follower.begin(UNKNOWN);
        assertThat(client.frames()).isEmpty();
        assertThat(ends).hasValue(0);
    }

    @Test
    void whatWasNeverPublishedIsFoundByARefreshThoughNothingComesAfterIt() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        journal.write(false); // lost on its way
        journal.write(true); // lost too
        follower.refresh();
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 3)));
        assertThat(ends).hasValue(1);
    }

    @Test
    void aRefreshThatFindsNothingSendsNothingAndTheFollowerLives() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        int reads = journal.reads.get();
        follower.refresh();
        await().until(() -> journal.reads.get() > reads);
        awaitLive(follower, 1);
    }

    @Test
    void aRefreshWhileTheJournalIsReadHasItReadOnceMore() {
        Follower follower = begun(0);
        journal.gate = new CountDownLatch(1);
        int reads = journal.reads.get();
        follower.refresh();
        await().until(() -> journal.reads.get() == reads + 1);
        follower.refresh();
        journal.gate.countDown();
        await().until(() -> journal.reads.get() == reads + 2);
        awaitLive(follower, 0);
    }

    @Test
    void aRefreshDoesNotPushAClientThatDoesNotRead() {
        Follower follower = begun(0);
        follower.offer(journal.write(false));
        client.stopReading();
        follower.offer(journal.write(false));
        journal.write(true); // lost on its way
        follower.refresh();
        assertThat(client.frames()).isEqualTo(events(1, 1));
        client.readOn();
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, 3)));
    }

    /** Whatever is lost, repeated or late, and however the client reads: 1..n, each once, in order. */
    @Property(tries = 300)
    void everyEventComesOnceAndInOrder(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int events, @ForAll @IntRange(max = 60) int before)
            throws InterruptedException {
        Random random = new Random(seed);
        RecordingConnection reader = new RecordingConnection(random.nextInt(3));
        Journal history = new Journal();
        for (int i = 0; i < Math.min(before, events - 1); i++) {
            history.write(false);
        }
        long after = random.nextInt((int) history.entries.size() + 1);
        AtomicInteger ended = new AtomicInteger();
        ScheduledExecutorService readers = Executors.newScheduledThreadPool(2);
        try {
            Follower follower =
                    new Follower("job", reader, after, history, () -> GONE, readers, ender -> ended.incrementAndGet());
            Backlog backlog = history.after(after);
            Thread registering = new Thread(() -> follower.begin(backlog));
            int beginAt = random.nextInt(4);
            List<JournalEntry> sent = new ArrayList<>();
            for (int step = 0; history.entries.size() < events; step++) {
                if (step == beginAt) {
                    registering.start();
                }
                JournalEntry entry = history.write(history.entries.size() == events - 1);
                sent.add(entry);
                switch (random.nextInt(8)) {
                    case 0 -> {} // lost
                    case 1 -> {
                        follower.offer(entry);
                        follower.offer(sent.get(random.nextInt(sent.size()))); // repeated
                    }
                    case 2 -> {
                        reader.stopReading();
                        follower.offer(entry);
                    }
                    case 3 -> {
                        follower.offer(entry);
                        reader.readOn();
                    }
                    default -> follower.offer(entry);
                }
            }
            if (registering.getState() == Thread.State.NEW) {
                registering.start();
            }
            registering.join();
            reader.readOn();
            // What was lost last is found when the gateway's channel is subscribed to again.
            follower.refresh();
            await().pollDelay(0, TimeUnit.MILLISECONDS)
                    .pollInterval(1, TimeUnit.MILLISECONDS)
                    .until(() -> ended.get() == 1);
            assertThat(reader.frames()).isEqualTo(events((int) after + 1, events));
        } finally {
            readers.shutdownNow();
        }
    }

    private Follower follower(long after) {
        return new Follower("job", client, after, journal, () -> GONE, executor, ended -> ends.incrementAndGet());
    }

    private Follower begun(long after) {
        Follower follower = follower(after);
        follower.begin(journal.after(after));
        return follower;
    }

    /** The next event is sent as soon as it is offered. */
    private void awaitLive(Follower follower, int sent) {
        int next = sent + 1;
        JournalEntry entry = journal.write(false);
        follower.offer(entry);
        await().untilAsserted(() -> assertThat(client.frames()).isEqualTo(events(1, next)));
    }

    private static List<String> events(int first, int last) {
        return IntStream.rangeClosed(first, last)
                .mapToObj(seq -> "event " + seq)
                .toList();
    }
}
