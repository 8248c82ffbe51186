package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** What a failover must not undo waits for the replicas of the node that has its keys. */
@Timeout(60)
class ReplicasTest {
    private static LettuceConnectionFactory connections;
    private static Ledger ledger;

    private final String id = RedisFixture.name("replicated-job");
    private final String model = RedisFixture.name("replicated-model");

    @BeforeAll
    static void connect() {
        connections = RedisFixture.unsharedCluster();
        ledger = ledger(1);
    }

    private static Ledger ledger(int replicas) {
        return new Ledger(
                RedisFixture.cluster(),
                new Replicas(connections, replicas),
                Duration.ofHours(1),
                Duration.ofMinutes(1));
    }

    @AfterAll
    static void disconnect() {
        connections.destroy();
    }

    @BeforeEach
    void create() {
        assertThat(ledger.create(id, model, "{}", null, "grace", false)).isEqualTo(Created.NEW);
    }

    @Test
    void aJobGoesItsWayWithReplicasThatHaveWhatIsWritten() {
        assertThat(ledger.enqueue(id, model, RedisFixture.arrival(10), null, null)
                        .position())
                .isEqualTo(1);
        assertThat(ledger.accept(id)).isTrue();
        assertThat(ledger.accept(RedisFixture.name("replicated-job")))
                .as("gone")
                .isFalse();
        assertThat(ledger.claim(model, "claim", Duration.ofSeconds(30))).isEqualTo(id);
        Started started = ledger.start(id, "worker", "claim");
        assertThat(started.attempt()).isEqualTo(1);
        assertThat(started.request()).isEqualTo("{}");
        assertThat(started.leftMs()).isNull();
        ledger.append(id, 1, 1, "ä");
        ledger.finish(id, 1, 2, "ö", "stop");
        assertThat(ledger.read(id, 0, 10).entries())
                .extracting(JournalEntry::frame)
                .containsExactly("ä", "ö");
    }

    @Test
    void aJobThatTooFewReplicasHaveIsNotAcceptedAndTheSameRequestMayComeAgain() {
        Ledger demanding = ledger(2);
        assertThatThrownBy(() -> demanding.enqueue(id, model, RedisFixture.arrival(10), null, null))
                .isInstanceOf(ReplicasMissingException.class)
                .isInstanceOf(DataAccessException.class)
                .hasMessageContaining("1 of the 2 replicas");
        assertThatThrownBy(() -> demanding.accept(id)).isInstanceOf(ReplicasMissingException.class);
        assertThat(ledger.enqueue(id, model, RedisFixture.arrival(10), null, null)
                        .position())
                .as("it has its place already")
                .isEqualTo(1);
        assertThat(ledger.accept(id)).isTrue();
        assertThat(ledger.order(model)).isEqualTo(List.of(id));
    }

    @Test
    void replicasThatDoNotAnswerHoldUpWhatIsAcceptedAndNotWhatRuns() {
        ledger.enqueue(id, model, RedisFixture.arrival(10), null, null);
        ledger.accept(id);
        RedisFixture.clusterServers().freezeReplicas();
        try {
            assertThatThrownBy(() -> ledger.accept(id)).isInstanceOf(ReplicasMissingException.class);
            assertThat(ledger.start(id, "worker", "claim").attempt()).isEqualTo(1);
            ledger.append(id, 1, 1, "{}");
            ledger.finish(id, 1, 2, "{}", "stop");
            assertThat(ledger.read(id, 0, 10).state()).isEqualTo("done");
        } finally {
            RedisFixture.clusterServers().thawReplicas();
        }
        assertThat(ledger.accept(id)).as("they have it when they are back").isTrue();
    }
}
