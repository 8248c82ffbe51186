package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Answers that come at the pace of a model: how late each token is, and what it costs. */
final class Steady implements Scenario {
    private static final int WARM_UP_SECONDS = 20;
    /** Until a started engine writes, when many start at once. */
    private static final double ENGINE_SECONDS = 0.15;

    private static final int SPARE_SECONDS = 4;

    private final int streams;
    private final int rate;
    private final Budgets budgets;

    /** What is asked of it: ms, ms and µs; NaN for nothing. */
    record Budgets(double p50, double p99, double cpu) {}

    Steady(int streams, int rate, Budgets budgets) {
        this.streams = streams;
        this.rate = rate;
        this.budgets = budgets;
    }

    @Override
    public String name() {
        return "steady-" + streams + "x" + rate;
    }

    @Override
    public String about() {
        return streams + " at " + rate + " tokens a second: how late each token is, CPU and bytes for each";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int seconds = stage.size(30, 2);
        try (Rig rig = stage.start(name(), new Rig.Setup(1, streams))) {
            if (!stage.quick()) {
                warmUp(stage, rig);
            }
            stage.say("engines start");
            double lead = SPARE_SECONDS + streams * ENGINE_SECONDS;
            int tokens = (int) (rate * (seconds + lead));
            List<StoryStream> answers = rig.clients().ask(rig.port(), stories(tokens, rate, "m"));
            Stage.awaitBegin(answers);
            Rig.pause(1_000_000_000L);
            stage.say("measuring for " + seconds + " s");
            Usage before = rig.usage();
            Rig.pause(seconds * 1_000_000_000L);
            Usage used = rig.usage().since(before);
            stage.awaitEnds("waiting for the rest", answers);
            Relay relay = Relay.between(rig, answers, before.nanos(), before.nanos() + used.nanos());
            return Finding.of(name(), about(), answers, measures(relay, used, rig));
        }
    }

    /** JVMs are slow at first; a worker that serves for an hour is not. */
    private void warmUp(Stage stage, Rig rig) throws IOException, InterruptedException {
        int faster = Math.max(rate, 2000 / streams);
        List<StoryStream> answers = rig.clients().ask(rig.port(), stories(faster * WARM_UP_SECONDS, faster, "w"));
        stage.awaitEnds("warming up", answers);
    }

    private List<Story> stories(int tokens, int pace, String name) {
        return IntStream.range(0, streams)
                .mapToObj(i -> new Story(tokens, pace, name + "-" + i))
                .toList();
    }

    private List<Measure> measures(Relay relay, Usage used, Rig rig) {
        List<Measure> measures = new ArrayList<>();
        Distribution late = relay.latencies();
        measures.add(within(budgets.p50(), "write to receive, p50, ms", late.percentile(50)));
        measures.add(new Measure("write to receive, p95, ms", late.percentile(95)));
        measures.add(within(budgets.p99(), "write to receive, p99, ms", late.percentile(99)));
        measures.add(new Measure("write to receive, max, ms", late.max()));
        measures.addAll(Costs.perToken(used, relay.tokens(), budgets.cpu()));
        measures.add(Measure.atMost(120, "bytes on the wire per token", relay.bytesPerToken()));
        measures.add(new Measure("tokens a second", relay.tokens() / (used.nanos() / 1e9)));
        measures.add(new Measure("tokens in a frame", (double) relay.tokens() / relay.events()));
        measures.addAll(Costs.memory(rig));
        return measures;
    }

    private static Measure within(double budget, String name, double value) {
        return Double.isNaN(budget) ? new Measure(name, value) : Measure.atMost(budget, name, value);
    }
}
