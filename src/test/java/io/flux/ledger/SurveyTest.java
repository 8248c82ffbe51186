package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SurveyTest {
    private final Ledger ledger = RedisFixture.ledger();
    private String model;

    @BeforeEach
    void name() {
        model = RedisFixture.name("model");
    }

    @Test
    void aQueueThatNobodyUsedIsEmpty() {
        assertThat(ledger.survey(model)).isEqualTo(new Survey(0, 0, 0, 0, 0));
    }

    @Test
    void theOldestIsFoundBehindUrgentOnesAndOtherTenants() {
        String oldest = job("acme", 3, 90_000);
        job("acme", 1, 1_000);
        job("other", 2, 2_000);
        RedisFixture.running(RedisFixture.name("job"), model, Duration.ofMinutes(1));
        Survey survey = ledger.survey(model);
        assertThat(survey.waiting()).isEqualTo(3);
        assertThat(survey.running()).isEqualTo(1);
        assertThat(survey.tenants()).isEqualTo(2);
        assertThat(survey.oldestMs()).isBetween(90_000L, 120_000L);
        ledger.remove(oldest, model);
        assertThat(ledger.survey(model).oldestMs()).isBetween(1_000L, 60_000L);
    }

    @Test
    void aJobThatWasGivenBackCountsByItsAgeAndIsNoTenant() {
        String id = job("acme", 2, 50_000);
        assertThat(ledger.claim(model, "claim", Duration.ofMinutes(1))).isEqualTo(id);
        ledger.requeue(id, model, Duration.ZERO);
        Survey survey = ledger.survey(model);
        assertThat(survey.waiting()).isEqualTo(1);
        assertThat(survey.tenants()).isZero();
        assertThat(survey.oldestMs()).isBetween(50_000L, 80_000L);
    }

    private String job(String tenant, int urgency, long ageMs) {
        String id = RedisFixture.name("job");
        ledger.create(id, model, "{}", null, "grace", false);
        RedisFixture.redis()
                .opsForHash()
                .put(Keys.job(id), "created_ms", Long.toString(System.currentTimeMillis() - ageMs));
        ledger.enqueue(id, model, new Arrival(tenant, urgency, 100, 0), null, null);
        ledger.accept(id);
        return id;
    }
}
