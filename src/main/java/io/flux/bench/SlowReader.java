package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** One client that does not read, of an answer that comes flat out, beside others at a steady pace. */
final class SlowReader implements Scenario {
    private static final int OTHERS = 5;
    private static final int RATE = 30;

    @Override
    public String name() {
        return "slow";
    }

    @Override
    public String about() {
        return "one client reads nothing for a while: memory, how late the others' tokens are, and whether it gets all";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int seconds = stage.size(15, 2);
        try (Rig rig = stage.start(name(), new Rig.Setup(1, OTHERS + 1))) {
            List<Story> stories = IntStream.range(0, OTHERS)
                    .mapToObj(i -> new Story(RATE * (seconds + 5), RATE, "other-" + i))
                    .toList();
            List<StoryStream> others = rig.clients().ask(rig.port(), stories);
            Stage.awaitBegin(others);
            Rig.pause(1_000_000_000L);
            long memory = rig.gateway().memory();
            long begin = System.nanoTime();
            StreamClient slow = rig.clients().connect(rig.port(), 1).get(0);
            StoryStream answer = new StoryStream(new Story(stage.size(1_000_000, 50_000), 0));
            slow.ask(answer);
            Stage.awaitBegin(List.of(answer));
            slow.pause();
            stage.say("one reads nothing");
            Rig.pause(seconds * 1_000_000_000L);
            long held = rig.gateway().memory();
            long end = System.nanoTime();
            slow.read();
            List<StoryStream> all = new ArrayList<>(others);
            all.add(answer);
            stage.awaitEnds("it reads again", all);
            Distribution late = Relay.between(rig, others, begin, end).latencies();
            return Finding.of(
                    name(),
                    about(),
                    all,
                    List.of(
                            new Measure("others, write to receive, p50, ms", late.percentile(50)),
                            new Measure("others, write to receive, p99, ms", late.percentile(99)),
                            new Measure("memory, gateway, more than before, MB", (held - memory) / 1e6),
                            new Measure(
                                    "text that was not read, MB",
                                    answer.question().tokens() * Story.TOKEN / 1e6)));
        }
    }
}
