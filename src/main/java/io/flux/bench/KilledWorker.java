package io.flux.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** {@code kill -9} of one of two workers while there are 64 jobs, half of them running. */
final class KilledWorker implements Scenario {
    private static final int RATE = 30;
    /** How soon a worker counts as dead, for who cannot wait as long as is usual. */
    private static final Map<String, String> SHORT_LEASE =
            Map.of("FLUX_LEASE", "3s", "FLUX_LEASE_RENEWAL", "500ms", "FLUX_REAP", "200ms");

    @Override
    public String name() {
        return "kill";
    }

    @Override
    public String about() {
        return "kill -9 of one of two workers with 64 jobs about: what is lost, missing or repeated";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int slots = stage.size(16, 3);
        int jobs = 4 * slots;
        Rig.Setup setup = new Rig.Setup(2, slots);
        try (Rig rig = stage.start(name(), stage.quick() ? setup.with(SHORT_LEASE) : setup)) {
            List<Story> stories = IntStream.range(0, jobs)
                    .mapToObj(i -> new Story(RATE * 4, RATE))
                    .toList();
            List<StoryStream> answers = rig.clients().ask(rig.port(), stories);
            Rig.await(
                    "text of as many as there are slots",
                    Duration.ofMinutes(1),
                    () -> answers.stream().filter(StoryStream::hasBegun).count() >= 2L * slots);
            stage.say("kill -9");
            rig.workers().get(0).kill();
            rig.startWorker();
            stage.awaitEnds("going on", answers);
            List<Double> pauses = new ArrayList<>();
            for (StoryStream answer : answers) {
                if (answer.restarts() > 0) {
                    pauses.add(longestPauseMs(answer));
                }
            }
            Distribution pause = Distribution.of(pauses);
            return Finding.of(
                    name(),
                    about(),
                    answers,
                    List.of(
                            Measure.atMost(
                                    0,
                                    "jobs lost",
                                    answers.stream()
                                            .filter(answer -> answer.problem() != null)
                                            .count()),
                            new Measure("answers that went on in another worker", pauses.size()),
                            new Measure("longest pause of these, p50, ms", pause.percentile(50)),
                            new Measure("longest pause of these, max, ms", pause.max())));
        }
    }

    private static double longestPauseMs(StoryStream answer) {
        List<StoryStream.Arrival> arrivals = answer.arrivals();
        long longest = 0;
        for (int i = 1; i < arrivals.size(); i++) {
            longest = Math.max(
                    longest, arrivals.get(i).nanos() - arrivals.get(i - 1).nanos());
        }
        return longest / 1e6;
    }
}
