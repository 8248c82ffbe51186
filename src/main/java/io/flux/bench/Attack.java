package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Answers at a steady pace beside clients that take all they can: first one of them, and one more at a time. */
final class Attack implements Scenario {
    private static final int STREAMS = 20;
    private static final int RATE = 30;
    private static final int WARM_UP_SECONDS = 20;
    /** Until all answers have begun. */
    private static final int LEAD_SECONDS = 10;

    private static final double LATEST_MS = 50;

    @Override
    public String name() {
        return "attack";
    }

    @Override
    public String about() {
        return STREAMS + " at " + RATE + " tokens a second beside 1 to " + Attacker.KINDS.size()
                + " attackers: how late each token is, and whether the gateway lives";
    }

    /** It takes ten minutes. */
    @Override
    public boolean onlyByName() {
        return true;
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int kinds = Attacker.KINDS.size();
        int phase = stage.size(600 / kinds, 1);
        int streams = stage.size(STREAMS, 4);
        try (Rig rig = stage.start(name(), new Rig.Setup(1, streams))) {
            if (!stage.quick()) {
                stage.awaitEnds(
                        "warming up", rig.clients().ask(rig.port(), stories(streams, 100 * WARM_UP_SECONDS, 100, "w")));
            }
            List<StoryStream> answers =
                    rig.clients().ask(rig.port(), stories(streams, RATE * (kinds * phase + LEAD_SECONDS), RATE, "m"));
            Stage.awaitBegin(answers);
            Rig.pause(1_000_000_000L);
            long memory = rig.gateway().memory();
            List<Measure> measures = new ArrayList<>();
            List<Long> moments = new ArrayList<>(List.of(System.nanoTime()));
            List<Attacker> attackers = new ArrayList<>();
            long most = 0;
            try {
                for (String kind : Attacker.KINDS) {
                    attackers.add(Attacker.start(kind, rig.port()));
                    stage.say(attackers.size() + " attackers");
                    for (int second = 0; second < phase; second++) {
                        Rig.pause(1_000_000_000L);
                        most = Math.max(most, rig.gateway().memory());
                    }
                    moments.add(System.nanoTime());
                }
            } finally {
                attackers.forEach(Attacker::close);
            }
            stage.awaitEnds("waiting for the rest", answers);
            Distribution late = Relay.between(rig, answers, moments.get(0), moments.get(kinds))
                    .latencies();
            measures.add(new Measure("write to receive, p50, ms", late.percentile(50)));
            measures.add(Measure.atMost(LATEST_MS, "write to receive, p99, ms", late.percentile(99)));
            measures.add(new Measure("write to receive, max, ms", late.max()));
            for (int i = 0; i < kinds; i++) {
                Distribution then = Relay.between(rig, answers, moments.get(i), moments.get(i + 1))
                        .latencies();
                measures.add(new Measure("p99 with " + (i + 1) + " attackers, ms", then.percentile(99)));
            }
            for (Attacker attacker : attackers) {
                measures.add(new Measure("attacks: " + attacker.kind(), attacker.attacks()));
            }
            measures.add(new Measure("memory, gateway, before, MB", memory / 1e6));
            measures.add(new Measure("memory, gateway, at most, MB", most / 1e6));
            measures.add(Measure.atLeast(1, "the gateway lives", rig.gateway().isAlive() ? 1 : 0));
            return Finding.of(name(), about(), answers, measures);
        }
    }

    private static List<Story> stories(int number, int tokens, int pace, String name) {
        return IntStream.range(0, number)
                .mapToObj(i -> new Story(tokens, pace, name + "-" + i))
                .toList();
    }
}
