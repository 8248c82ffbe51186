package io.flux.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

/** Sockets on which nothing happens, and clients that wait in line: what they cost a gateway. */
final class IdleSockets implements Scenario {
    private static final int WAITING = 5000;

    @Override
    public String name() {
        return "idle";
    }

    @Override
    public String about() {
        return "10,000 idle sockets, and 5,000 clients that wait in line: memory, threads, connections to Redis";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int wanted = stage.size(10_000, 300);
        int waiting = stage.size(WAITING, 100);
        Rig.Setup setup = new Rig.Setup(0, 0, Map.of("FLUX_QUEUE_LIMIT", "100000"), false);
        try (Rig rig = stage.start(name(), setup)) {
            List<StreamClient> sockets = new ArrayList<>(rig.clients().connect(rig.port(), wanted / 10));
            long few = rig.gateway().settledMemory();
            try {
                while (sockets.size() < wanted) {
                    stage.say(sockets.size() + " of " + wanted + " sockets are open");
                    sockets.addAll(rig.clients().connect(rig.port(), wanted / 20));
                }
            } catch (CompletionException e) {
                stage.say("no more sockets: " + e.getCause().getMessage());
            }
            long many = rig.gateway().settledMemory();
            int held = sockets.size();
            int threads = rig.gateway().threads();
            int connections = rig.redis().connections();

            stage.say(waiting + " of them ask, and wait");
            List<StoryStream> answers = IntStream.range(0, waiting)
                    .mapToObj(i -> new StoryStream(new Story(1, 0)))
                    .toList();
            for (int i = 0; i < waiting; i++) {
                sockets.get(i).ask(answers.get(i));
            }
            Rig.await("the tickets", Duration.ofMinutes(1), () -> answers.stream()
                    .allMatch(answer -> answer.id() != null || answer.isOver()));
            long busy = rig.gateway().settledMemory();
            List<Measure> measures = List.of(
                    Measure.atLeast(wanted, "sockets held", held),
                    Measure.atMost(
                            15, "memory of an idle socket, gateway, KB", (many - few) / 1e3 / (held - wanted / 10)),
                    new Measure("memory of one that waits, more, KB", (busy - many) / 1e3 / waiting),
                    new Measure("threads, gateway, idle", threads),
                    new Measure(
                            "threads, gateway, clients waiting", rig.gateway().threads()),
                    new Measure("connections to Redis, idle", connections),
                    new Measure(
                            "connections to Redis, clients waiting", rig.redis().connections()));
            List<String> refused = answers.stream()
                    .filter(StoryStream::isOver)
                    .map(StoryStream::problem)
                    .toList();
            return new Finding(name(), about(), measures, waiting, refused);
        }
    }
}
