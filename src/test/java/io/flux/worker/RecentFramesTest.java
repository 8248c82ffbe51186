package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecentFramesTest {
    private final RecentFrames frames = new RecentFrames();

    @Test
    void theLastFramesAreKeptByTheirNumbers() {
        frames.keep(7, "seven");
        frames.keep(8, "eight");
        frames.keep(8, "eight, once more");
        assertThat(frames.get(7)).isEqualTo("seven");
        assertThat(frames.get(8)).isEqualTo("eight");
        assertThat(frames.get(6)).isNull();
        assertThat(frames.get(9)).isNull();
    }

    @Test
    void manyFramesAndLongOnesPushOutTheOldest() {
        for (int seq = 1; seq <= 5000; seq++) {
            frames.keep(seq, "x");
        }
        assertThat(frames.get(904)).isNull();
        assertThat(frames.get(905)).isEqualTo("x");
        frames.keep(5001, "x".repeat(300_000));
        assertThat(frames.get(5000)).isNull();
        assertThat(frames.get(5001)).as("one is kept whatever its length").isNotNull();
    }
}
