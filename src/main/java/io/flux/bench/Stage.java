package io.flux.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.function.Consumer;

/**
 * What a scenario works with.
 *
 * @param folder of logs and data of all rigs
 * @param quick whether it is to be over soon, with fewer clients and shorter answers: enough to see that nothing is lost
 * @param progress is told what goes on
 */
public record Stage(Path folder, boolean quick, Consumer<String> progress) {
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /** Starts a rig in a folder of its own. */
    Rig start(String name, Rig.Setup setup) throws IOException, InterruptedException {
        progress.accept("starting");
        return Rig.start(folder.resolve(name), setup);
    }

    /** One number for a full run, another for a quick one. */
    int size(int full, int small) {
        return quick ? small : full;
    }

    void say(String what) {
        progress.accept(what);
    }

    /** Waits until all of them are over, saying how many are. */
    void awaitEnds(String what, Collection<StoryStream> streams) throws IOException, InterruptedException {
        Rig.await("the end of all answers", PATIENCE, () -> {
            long over = streams.stream().filter(StoryStream::isOver).count();
            progress.accept(what + ": " + over + " of " + streams.size() + " answers");
            return over == streams.size();
        });
    }

    /** Waits until all of them have text. */
    static void awaitBegin(Collection<StoryStream> streams) throws IOException, InterruptedException {
        Rig.await("the first text of all answers", PATIENCE, () -> streams.stream()
                .allMatch(stream -> stream.hasBegun() || stream.isOver()));
    }
}
