package io.flux.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The clients alone, at a {@link BareServer}: what they add to each latency, and how much they can take. */
final class Bare implements Scenario {
    private static final int RATE = 30;

    @Override
    public String name() {
        return "bare";
    }

    @Override
    public String about() {
        return "the bench's own clients at a server with nothing behind it: what no Flux can be faster than";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int seconds = stage.size(20, 1);
        Path folder = Files.createDirectories(stage.folder().resolve(name())).toAbsolutePath();
        stage.say("starting");
        FluxProcess server = FluxProcess.start(BareServer.class, name(), folder, folder.toString());
        try (StreamClients clients = new StreamClients()) {
            server.awaitReady(Duration.ofMinutes(1));
            Story fast = new Story(stage.size(400_000, 4000), 0, "fast");
            stage.awaitEnds("warming up", clients.ask(server.port(), List.of(fast)));
            List<StoryStream> flatOut = clients.ask(server.port(), List.of(fast));
            stage.awaitEnds("flat out", flatOut);
            List<StoryStream.Arrival> arrivals = flatOut.get(0).arrivals();
            double took = (flatOut.get(0).lastAt() - arrivals.get(0).nanos()) / 1e9;

            Story slow = new Story(RATE * seconds, RATE, "slow");
            List<StoryStream> steady = clients.ask(server.port(), List.of(slow));
            stage.awaitEnds("at a steady pace", steady);
            Distribution late = Relay.of(folder, steady).latencies();
            List<StoryStream> all = new ArrayList<>(flatOut);
            all.addAll(steady);
            return Finding.of(
                    name(),
                    about(),
                    all,
                    List.of(
                            new Measure("tokens a second, one in a frame", fast.tokens() / took),
                            new Measure("write to receive, 1x30, p50, ms", late.percentile(50)),
                            new Measure("write to receive, 1x30, p99, ms", late.percentile(99))));
        } finally {
            server.kill();
        }
    }
}
