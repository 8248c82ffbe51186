package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The engine that the environment's options name, the bundled one when they name none: whatever it answers. */
final class OwnEngine implements Scenario {
    private static final int SLOTS = 2;
    private static final int TOKENS = 200;

    /** Of an answer nothing is known beforehand but that its events are numbered without a gap, and that it ends. */
    private record Anything(String prompt, int tokens) implements Question {
        @Override
        public boolean goesOn(int position, String text) {
            return true;
        }

        @Override
        public boolean isWhole(int position) {
            return position > 0;
        }
    }

    @Override
    public String name() {
        return "engine";
    }

    @Override
    public String about() {
        return "2 answers at once of the engine that FLUX_ENGINE and its like name: first token, pace, CPU for each piece";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        try (Rig rig = stage.start(name(), new Rig.Setup(1, SLOTS, Map.of(), true))) {
            List<StoryStream> answers = new ArrayList<>();
            ask(stage, rig, answers);
            answers.clear();
            Usage before = rig.usage();
            for (int i = 0; i < stage.size(20, 2); i++) {
                ask(stage, rig, answers);
            }
            return Finding.of(
                    name(), about(), answers, measures(answers, rig.usage().since(before)));
        }
    }

    private static void ask(Stage stage, Rig rig, List<StoryStream> answers) throws IOException, InterruptedException {
        List<Anything> questions = IntStream.range(0, SLOTS)
                .mapToObj(i -> new Anything("Tell me the story of day " + (answers.size() + i + 1) + ".", TOKENS))
                .toList();
        List<StoryStream> round = rig.clients().ask(rig.port(), questions);
        stage.awaitEnds("answering", round);
        answers.addAll(round);
    }

    private static List<Measure> measures(List<StoryStream> answers, Usage used) {
        List<Double> gaps = new ArrayList<>();
        int pieces = 0;
        for (StoryStream answer : answers) {
            List<StoryStream.Arrival> arrivals = answer.arrivals();
            pieces += arrivals.size();
            for (int i = 1; i < arrivals.size(); i++) {
                gaps.add((arrivals.get(i).nanos() - arrivals.get(i - 1).nanos()) / 1e6);
            }
        }
        Distribution first =
                Distribution.of(answers.stream().map(StoryStream::firstTokenMs).toList());
        Distribution next = Distribution.of(gaps);
        List<Measure> measures = new ArrayList<>(List.of(
                new Measure("first token, p50, ms", first.percentile(50)),
                new Measure("first token, p95, ms", first.percentile(95)),
                new Measure("first token, p99, ms", first.percentile(99)),
                new Measure("between two pieces, p50, ms", next.percentile(50)),
                new Measure("between two pieces, p99, ms", next.percentile(99)),
                new Measure("pieces of an answer", (double) pieces / answers.size())));
        measures.addAll(Costs.of("piece", used, pieces, Double.NaN));
        return measures;
    }
}
