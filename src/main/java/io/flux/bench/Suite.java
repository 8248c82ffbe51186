package io.flux.bench;

import java.util.List;

/** The scenarios that there are, with what is asked of Flux on two cores. */
public final class Suite {
    private Suite() {}

    /** All of them, in the order in which they run. */
    public static List<Scenario> all() {
        double none = Double.NaN;
        return List.of(
                new Bare(),
                new Ready(),
                new Steady(1, 30, new Steady.Budgets(0.6, 1.9, 250)),
                new Steady(10, 50, new Steady.Budgets(none, 4, 250)),
                new Steady(50, 30, new Steady.Budgets(none, none, 60)),
                new Throughput(1, 1_500_000, 150_000),
                new Throughput(4, 2_000_000, 200_000),
                new Throughput(50, 2_000_000, none),
                new Herd(),
                new IdleSockets(),
                new CancelTime(),
                new KilledWorker(),
                new ResumeStorm(),
                new SlowReader(),
                new OwnEngine(),
                new Attack());
    }
}
