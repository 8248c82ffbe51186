package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Engines that write as fast as they can: how many tokens a second get through. */
final class Throughput implements Scenario {
    private final int streams;
    private final int tokens;
    private final double budget;

    /**
     * @param tokens of all answers together
     * @param budget tokens a second at least; NaN for none
     */
    Throughput(int streams, int tokens, double budget) {
        this.streams = streams;
        this.tokens = tokens;
        this.budget = budget;
    }

    @Override
    public String name() {
        return "throughput-" + streams;
    }

    @Override
    public String about() {
        return streams + " flat out: tokens a second that get through";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int each = stage.size(tokens, tokens / 100) / streams;
        try (Rig rig = stage.start(name(), new Rig.Setup(1, streams))) {
            if (!stage.quick()) {
                stage.awaitEnds("warming up", rig.clients().ask(rig.port(), stories(each / 2)));
            }
            Usage before = rig.usage();
            List<StoryStream> answers = rig.clients().ask(rig.port(), stories(each));
            stage.awaitEnds("measuring", answers);
            Usage used = rig.usage().since(before);
            boolean exact = answers.stream().allMatch(answer -> answer.problem() == null);
            return Finding.of(
                    name(), about(), answers, exact ? measures(answers, each * streams, used, rig) : List.of());
        }
    }

    private List<Story> stories(int each) {
        return IntStream.range(0, streams).mapToObj(i -> new Story(each, 0)).toList();
    }

    private List<Measure> measures(List<StoryStream> answers, int all, Usage used, Rig rig) {
        long first = answers.stream()
                .mapToLong(answer -> answer.arrivals().get(0).nanos())
                .min()
                .orElseThrow();
        long last = answers.stream().mapToLong(StoryStream::lastAt).max().orElseThrow();
        int frames =
                answers.stream().mapToInt(answer -> answer.arrivals().size()).sum();
        double rate = all / ((last - first) / 1e9);
        List<Measure> measures = new ArrayList<>();
        String name = "tokens a second";
        measures.add(Double.isNaN(budget) ? new Measure(name, rate) : Measure.atLeast(budget, name, rate));
        measures.add(new Measure("tokens in a frame", (double) all / frames));
        measures.addAll(Costs.perToken(used, all, Double.NaN));
        measures.addAll(Costs.memory(rig));
        return measures;
    }
}
