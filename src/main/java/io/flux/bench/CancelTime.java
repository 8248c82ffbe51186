package io.flux.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Clients that want no more: until the engine's process is gone. */
final class CancelTime implements Scenario {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Override
    public String name() {
        return "cancel";
    }

    @Override
    public String about() {
        return "a client cancels, or leaves a job that is to end with it: until the engine's process is gone";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int times = stage.size(100, 3);
        List<Double> cancelled = new ArrayList<>();
        List<Double> left = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        try (Rig rig = stage.start(name(), new Rig.Setup(1, 1))) {
            for (int i = 0; i < times; i++) {
                stage.say(i + " of " + times);
                cancelled.add(engineGoneMs(rig, true, problems));
                left.add(engineGoneMs(rig, false, problems));
            }
        }
        List<Measure> measures = new ArrayList<>();
        add(measures, "cancel to engine gone", Distribution.of(cancelled));
        add(measures, "client gone to engine gone", Distribution.of(left));
        return new Finding(name(), about(), measures, 2 * times, problems);
    }

    private static void add(List<Measure> measures, String name, Distribution times) {
        measures.add(new Measure(name + ", p50, ms", times.percentile(50)));
        measures.add(new Measure(name + ", p95, ms", times.percentile(95)));
        measures.add(Measure.atMost(100, name + ", p99, ms", times.percentile(99)));
    }

    private static double engineGoneMs(Rig rig, boolean cancels, List<String> problems)
            throws IOException, InterruptedException {
        StreamClient client = rig.clients().connect(rig.port(), 1).get(0);
        StoryStream answer = new StoryStream(new Story(100_000, 50));
        client.ask(answer, "cancel");
        Stage.awaitBegin(List.of(answer));
        List<ProcessHandle> engines = rig.workers().get(0).children();
        if (engines.isEmpty()) {
            problems.add("no engine runs: " + answer.problem());
            return Double.NaN;
        }
        long begin = System.nanoTime();
        if (cancels) {
            client.cancel();
        } else {
            client.leave();
        }
        Rig.await("the engine's end", PATIENCE, () -> engines.stream().noneMatch(ProcessHandle::isAlive));
        double ms = (System.nanoTime() - begin) / 1e6;
        if (cancels) {
            Rig.await("the end of a cancelled answer", PATIENCE, answer::isOver);
            client.leave();
        }
        return ms;
    }
}
