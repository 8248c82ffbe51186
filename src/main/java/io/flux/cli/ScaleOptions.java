package io.flux.cli;

import io.flux.bench.ScaleDrill;
import io.flux.bench.ScaledObject;
import io.flux.bench.Story;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The command line of {@code flux bench scale}.
 *
 * @param plan null when help is wanted
 * @param picture null for none
 */
record ScaleOptions(boolean help, ScaleDrill.Plan plan, boolean json, Path picture) {
    static final String HELP =
            """
            Usage: flux bench scale [options]

            Scaling as in a cluster, played on this machine with real processes: a gateway, a Redis and no worker; many
            questions at once; KEDA's and Kubernetes' rules as the ScaledObject says them; workers that are started and
            told to end (SIGTERM) as pods are; until all answers are there and no worker is left. The engine is one that
            counts, at a pace, so that each character of each answer is checked. Needs nothing that runs already.

              --scaled-object FILE  KEDA's file (default: keda/base/scaledobject.yaml)
              --streams N           questions at once (default: 100)
              --tokens N            tokens of an answer; every tenth has four times as many (default: 300)
              --rate N              tokens of an answer each second (default: 15)
              --slots N             answers at once in a worker, and so the target (default: the ScaledObject's)
              --faster N            KEDA and the autoscaler look, wait and forget N times as fast (default: 1)
              --picture FILE        draws the run: jobs and workers over time, as SVG
              --json                prints the figures as JSON
              -h, --help            this text

            Exit codes: 0 every answer was whole, and the last worker has gone; 1 not so, or a process did not start;
            2 misuse.
            """;

    /** What pods have when nothing is said. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    private static final Duration DRAIN = Duration.ofSeconds(22);
    private static final Duration LIMIT = Duration.ofMinutes(15);

    /**
     * @param arguments behind {@code scale}
     * @param home the folder of the project
     */
    static ScaleOptions parse(List<String> arguments, Path home) throws Misuse, IOException {
        Arguments line = new Arguments(arguments);
        Path scaledObject = home.resolve("keda/base/scaledobject.yaml");
        int streams = 100;
        int tokens = 300;
        int rate = 15;
        int slots = 0;
        double faster = 1;
        boolean json = false;
        Path picture = null;
        for (String option = line.nextOption(); option != null; option = line.nextOption()) {
            switch (option) {
                case "--scaled-object" -> scaledObject = Path.of(line.value());
                case "--streams" -> streams = line.count();
                case "--tokens" -> tokens = line.count();
                case "--rate" -> rate = line.count();
                case "--slots" -> slots = line.count();
                case "--faster" -> faster = line.number().doubleValue();
                case "--picture" -> picture = Path.of(line.value());
                case "--json" -> json = true;
                case "-h", "--help" -> {
                    return new ScaleOptions(true, null, false, null);
                }
                default -> throw line.unknown();
            }
        }
        if (!line.words().isEmpty()) {
            throw new Misuse(
                    "bench scale takes options only, not '" + line.words().get(0) + "'");
        }
        try {
            ScaledObject scaled = ScaledObject.read(scaledObject);
            if (slots > 0) {
                scaled = scaled.withTarget(slots);
            }
            return new ScaleOptions(
                    false,
                    new ScaleDrill.Plan(
                            scaled,
                            streams,
                            new Story(tokens, rate),
                            (int) Math.max(1, Math.floor(scaled.target())),
                            DRAIN,
                            GRACE,
                            faster,
                            LIMIT),
                    json,
                    picture);
        } catch (IllegalArgumentException e) {
            throw new Misuse(e.getMessage());
        } catch (IOException e) {
            throw new Misuse("--scaled-object: " + scaledObject + " cannot be read");
        }
    }
}
