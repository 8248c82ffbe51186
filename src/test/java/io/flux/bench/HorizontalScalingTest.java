package io.flux.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class HorizontalScalingTest {
    private static final ScaledObject.Rules AT_ONCE = rules(0, new ScaledObject.Policy(false, 100, seconds(15)));

    @Test
    void thereAreEnoughWorkersForTheMetricAndNoMoreThanTheMost() {
        HorizontalScaling scaling = new HorizontalScaling(scaled(AT_ONCE, AT_ONCE));
        assertThat(scaling.decide(seconds(0), 9, 1)).isEqualTo(3);
        assertThat(scaling.decide(seconds(15), 400, 3)).isEqualTo(10);
        assertThat(scaling.decide(seconds(30), 0, 10))
                .as("zero is KEDA's to decide")
                .isEqualTo(1);
    }

    @Test
    void nothingChangesWithinATenthOfTheTarget() {
        HorizontalScaling scaling = new HorizontalScaling(scaled(AT_ONCE, AT_ONCE));
        assertThat(scaling.decide(seconds(0), 44, 10)).isEqualTo(10);
        assertThat(scaling.decide(seconds(15), 21, 5)).isEqualTo(5);
        assertThat(scaling.decide(seconds(30), 23, 5)).isEqualTo(6);
    }

    @Test
    void itRestsWhileThereIsNoWorker() {
        assertThat(new HorizontalScaling(scaled(AT_ONCE, AT_ONCE)).decide(seconds(0), 100, 0))
                .isZero();
    }

    @Test
    void itShrinksWhenTheLastHighRecommendationIsForgotten() {
        HorizontalScaling scaling =
                new HorizontalScaling(scaled(AT_ONCE, rules(60, new ScaledObject.Policy(false, 100, seconds(15)))));
        assertThat(scaling.decide(seconds(0), 20, 5)).isEqualTo(5);
        assertThat(scaling.decide(seconds(15), 4, 5)).isEqualTo(5);
        assertThat(scaling.decide(seconds(45), 4, 5)).isEqualTo(5);
        assertThat(scaling.decide(seconds(60), 4, 5)).isEqualTo(1);
    }

    @Test
    void policiesBoundWhatComesAndGoesWithinTheirTime() {
        ScaledObject.Rules slowly = rules(0, new ScaledObject.Policy(false, 2, seconds(30)));
        HorizontalScaling scaling = new HorizontalScaling(scaled(slowly, slowly));
        assertThat(scaling.decide(seconds(0), 40, 1)).isEqualTo(3);
        assertThat(scaling.decide(seconds(15), 40, 3)).as("two came already").isEqualTo(3);
        assertThat(scaling.decide(seconds(30), 40, 3)).isEqualTo(5);
        assertThat(scaling.decide(seconds(60), 0, 5)).isEqualTo(3);
        assertThat(scaling.decide(seconds(75), 0, 3)).as("two went already").isEqualTo(3);
        assertThat(scaling.decide(seconds(90), 0, 3)).isEqualTo(1);
    }

    @Test
    void ofSeveralPoliciesTheOneThatAllowsMostGoesUnlessItSaysOtherwise() {
        List<ScaledObject.Policy> policies = List.of(
                new ScaledObject.Policy(true, 100, seconds(15)), new ScaledObject.Policy(false, 4, seconds(15)));
        ScaledObject.Rules most = new ScaledObject.Rules(seconds(0), policies, false);
        ScaledObject.Rules least = new ScaledObject.Rules(seconds(0), policies, true);
        assertThat(new HorizontalScaling(scaled(most, AT_ONCE)).decide(seconds(0), 40, 1))
                .isEqualTo(5);
        assertThat(new HorizontalScaling(scaled(least, AT_ONCE)).decide(seconds(0), 40, 1))
                .isEqualTo(2);
        assertThat(new HorizontalScaling(scaled(AT_ONCE, most)).decide(seconds(0), 4, 10))
                .isEqualTo(1);
        assertThat(new HorizontalScaling(scaled(AT_ONCE, least)).decide(seconds(0), 4, 10))
                .isEqualTo(6);
    }

    @Test
    void aDirectionThatIsDisabledIsNotTaken() {
        ScaledObject.Rules never = rules(0);
        assertThat(new HorizontalScaling(scaled(AT_ONCE, never)).decide(seconds(0), 0, 5))
                .isEqualTo(5);
        assertThat(new HorizontalScaling(scaled(never, AT_ONCE)).decide(seconds(0), 40, 5))
                .isEqualTo(5);
    }

    @Test
    void theFirstWorkerComesWithTheWorkAndTheLastGoesAfterTheCooldown() {
        Activation activation = new Activation(scaled(AT_ONCE, AT_ONCE));
        assertThat(activation.decide(seconds(0), 0, 0)).isZero();
        assertThat(activation.decide(seconds(5), 1, 0)).isEqualTo(1);
        assertThat(activation.decide(seconds(10), 30, 7)).isEqualTo(7);
        assertThat(activation.decide(seconds(60), 0, 2)).isEqualTo(2);
        assertThat(activation.decide(seconds(70), 0, 1)).as("60 s are not over").isEqualTo(1);
        assertThat(activation.decide(seconds(71), 0, 1)).isZero();
    }

    private static ScaledObject scaled(ScaledObject.Rules up, ScaledObject.Rules down) {
        return new ScaledObject(
                List.of(new ScaledObject.Trigger("waiting", "w"), new ScaledObject.Trigger("running", "r")),
                "waiting + running",
                4,
                0,
                0,
                10,
                seconds(5),
                seconds(60),
                up,
                down);
    }

    private static ScaledObject.Rules rules(int stabilization, ScaledObject.Policy... policies) {
        return new ScaledObject.Rules(seconds(stabilization), List.of(policies), false);
    }

    private static Duration seconds(int seconds) {
        return Duration.ofSeconds(seconds);
    }
}
