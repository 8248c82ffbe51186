package io.flux.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PlaceTest {
    @Test
    void whoIsNextWaitsForOneEndAndWhoIsThirdForThree() {
        assertThat(new Place(1, 1500).etaMs()).isEqualTo(1500);
        assertThat(new Place(3, 1500).etaMs()).isEqualTo(4500);
        assertThat(new Place(3, 1500).isRefused()).isFalse();
    }

    @Test
    void whoIsRefusedMayComeAgainAfterOneEnd() {
        Place refused = new Place(-20, 1500);
        assertThat(refused.isRefused()).isTrue();
        assertThat(refused.retryAfterMs()).isEqualTo(1500);
        assertThat(new Place(0, 0).isRefused()).as("a queue that takes nobody").isTrue();
    }

    @Test
    void whatIsNotMeasuredIsNotGuessed() {
        assertThat(new Place(3, 0).etaMs()).isNull();
        assertThat(new Place(-3, 0).retryAfterMs()).isNull();
    }
}
