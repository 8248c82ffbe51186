package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** How long a gateway and a worker take until they serve, and what they use while they have nothing to do. */
final class Ready implements Scenario {
    @Override
    public String name() {
        return "start";
    }

    @Override
    public String about() {
        return "from the start of a gateway's and of a worker's process until it serves, one at a time; CPU when idle";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        List<Double> gateways = new ArrayList<>();
        List<Double> workers = new ArrayList<>();
        Usage idle = null;
        for (int i = 0; i < stage.size(5, 1); i++) {
            try (Rig rig = stage.start(name() + "-" + i, new Rig.Setup(0, 1))) {
                gateways.add(rig.gateway().readyAfter());
                FluxProcess worker = rig.startWorker();
                worker.awaitReady(Rig.START);
                workers.add(worker.readyAfter());
                if (i == 0) {
                    stage.say("looking at them when they are idle");
                    Rig.pause(stage.size(20, 1) * 1_000_000_000L);
                    Usage before = rig.usage();
                    Rig.pause(stage.size(20, 1) * 1_000_000_000L);
                    idle = rig.usage().since(before);
                }
            }
        }
        return new Finding(
                name(),
                about(),
                List.of(
                        Measure.atMost(
                                2.5,
                                "gateway, p50, s",
                                Distribution.of(gateways).percentile(50)),
                        Measure.atMost(
                                2.5, "worker, p50, s", Distribution.of(workers).percentile(50)),
                        new Measure("CPU when idle, gateway, ms a second", idle.perSecond(idle.gateway())),
                        new Measure("CPU when idle, worker, ms a second", idle.perSecond(idle.workers())),
                        new Measure("CPU when idle, Redis, ms a second", idle.perSecond(idle.redis()))),
                0,
                List.of());
    }
}
