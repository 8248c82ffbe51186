package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Many clients that ask at the same moment. */
final class Herd implements Scenario {
    private static final int SLOTS = 16;
    /** An answer takes a second: engines that start all the time would take the processors from who is measured. */
    private static final int TOKENS = 20;

    private static final int BUSY_SECONDS = 6;

    @Override
    public String name() {
        return "herd";
    }

    @Override
    public String about() {
        return "500 clients ask at once, of a worker whose 16 slots are taken: until all have their tickets, and whether all are served";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int clients = stage.size(500, 40);
        try (Rig rig = stage.start(name(), new Rig.Setup(1, SLOTS))) {
            List<Story> stories = IntStream.range(0, clients)
                    .mapToObj(i -> new Story(TOKENS, TOKENS))
                    .toList();
            // A gateway that has just started takes ten times as long for its first questions.
            stage.awaitEnds("warming up", rig.clients().ask(rig.port(), stories.subList(0, clients / 2)));
            // The slots are taken: what starts engines for the first of the herd would be a worker's machine elsewhere.
            List<StoryStream> earlier =
                    rig.clients().ask(rig.port(), Collections.nCopies(SLOTS, new Story(BUSY_SECONDS * 2, 2)));
            Stage.awaitBegin(earlier);
            List<StoryStream> answers = rig.clients().ask(rig.port(), stories);
            List<StoryStream> all = new ArrayList<>(earlier);
            all.addAll(answers);
            stage.awaitEnds("serving", all);
            Distribution tickets =
                    Distribution.of(answers.stream().map(StoryStream::ticketMs).toList());
            return Finding.of(
                    name(),
                    about(),
                    all,
                    List.of(
                            new Measure("ticket, p50, ms", tickets.percentile(50)),
                            new Measure("ticket, p95, ms", tickets.percentile(95)),
                            new Measure("ticket, p99, ms", tickets.percentile(99)),
                            Measure.atMost(1000, "all tickets within, ms", tickets.max()),
                            Measure.atMost(
                                    0,
                                    "jobs lost",
                                    answers.stream()
                                            .filter(answer -> answer.problem() != null)
                                            .count())));
        }
    }
}
