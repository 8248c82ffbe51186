package io.flux.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Clients that all lose their connections in mid-stream and come back at once. */
final class ResumeStorm implements Scenario {
    private static final int RATE = 10;
    private static final int SECONDS = 20;

    @Override
    public String name() {
        return "resume";
    }

    @Override
    public String about() {
        return "500 clients of 20 running answers reconnect at once: until each has its next token";
    }

    @Override
    public Finding run(Stage stage) throws IOException, InterruptedException {
        int jobs = stage.size(20, 3);
        int each = stage.size(25, 5);
        try (Rig rig = stage.start(name(), new Rig.Setup(1, jobs))) {
            List<Story> stories = IntStream.range(0, jobs)
                    .mapToObj(i -> new Story(RATE * stage.size(SECONDS, 6), RATE))
                    .toList();
            List<StreamClient> clients = rig.clients().connect(rig.port(), jobs * each);
            List<StoryStream> answers = new ArrayList<>();
            for (int i = 0; i < jobs; i++) {
                StoryStream answer = new StoryStream(stories.get(i));
                answers.add(answer);
                clients.get(i).ask(answer);
            }
            Stage.awaitBegin(answers);
            for (int i = jobs; i < clients.size(); i++) {
                StoryStream owned = answers.get(i % jobs);
                StoryStream answer = new StoryStream(owned.question());
                answers.add(answer);
                clients.get(i).follow(answer, owned.id());
            }
            Stage.awaitBegin(answers);
            stage.say("all connections break off");
            CompletableFuture.allOf(clients.stream().map(StreamClient::leave).toArray(CompletableFuture[]::new))
                    .join();
            List<Integer> had =
                    answers.stream().map(answer -> answer.arrivals().size()).toList();
            long begin = System.nanoTime();
            for (StoryStream answer : answers) {
                var unused = rig.clients().connect(rig.port()).thenAccept(client -> client.resume(answer));
            }
            stage.awaitEnds("going on", answers);
            Distribution times = Distribution.of(IntStream.range(0, answers.size())
                    .mapToObj(i -> (answers.get(i).firstAfter(had.get(i)) - begin) / 1e6)
                    .toList());
            return Finding.of(
                    name(),
                    about(),
                    answers,
                    List.of(
                            new Measure("reconnect to next token, p50, ms", times.percentile(50)),
                            new Measure("reconnect to next token, p95, ms", times.percentile(95)),
                            new Measure("reconnect to next token, p99, ms", times.percentile(99)),
                            new Measure("reconnect to next token, max, ms", times.max())));
        }
    }
}
