package io.flux.bench;

import java.time.Duration;
import java.util.List;

/** What tokens cost, as figures. */
final class Costs {
    private Costs() {}

    /**
     * CPU time of each part for a token.
     *
     * @param budget of all parts together, µs; NaN for none
     */
    static List<Measure> perToken(Usage used, int tokens, double budget) {
        return of("token", used, tokens, budget);
    }

    /** The same for something else than a token. */
    static List<Measure> of(String what, Usage used, int tokens, double budget) {
        String all = "CPU per " + what + ", together, µs";
        double together = micros(used.total(), tokens);
        return List.of(
                new Measure("CPU per " + what + ", gateway, µs", micros(used.gateway(), tokens)),
                new Measure("CPU per " + what + ", worker, µs", micros(used.workers(), tokens)),
                new Measure("CPU per " + what + ", Redis, µs", micros(used.redis(), tokens)),
                Double.isNaN(budget) ? new Measure(all, together) : Measure.atMost(budget, all, together));
    }

    private static double micros(Duration time, int tokens) {
        return time.toNanos() / 1e3 / tokens;
    }

    /** Memory that the processes have now. */
    static List<Measure> memory(Rig rig) {
        return List.of(
                new Measure("memory, gateway, MB", rig.gateway().memory() / 1e6),
                new Measure(
                        "memory, workers, MB",
                        rig.workers().stream().mapToDouble(FluxProcess::memory).sum() / 1e6),
                new Measure("memory, Redis, MB", rig.redis().memory() / 1e6));
    }
}
