package io.flux.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Scaling as in a cluster, on one machine: a gateway, a Redis and no worker; a burst of questions; KEDA's and Kubernetes' rules,
 * played by the ScaledObject that is shipped; worker processes that are started and get SIGTERM as pods do; until every answer
 * is there and the last worker has gone. What is not played: the time that a cluster takes to place a pod and to fetch its image.
 */
public final class ScaleDrill {
    /** How often Kubernetes' autoscaler looks, unless its operator says otherwise. */
    private static final Duration SYNC = Duration.ofSeconds(15);

    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration SAMPLE = Duration.ofMillis(500);
    /** Every so many streams one is so many times as long as the others, so that some run when most workers go. */
    private static final int LONG_EVERY = 10;

    private static final int LONG = 4;

    private final Plan plan;
    private final Path folder;
    private final ScaledObject scaled;
    private final Consumer<ScaleSample> progress;

    /**
     * What is to happen.
     *
     * @param scaled how many workers when
     * @param streams questions at once, at least 1
     * @param story what most of them ask for; every tenth asks for four times as much
     * @param slots of each worker, at least 1
     * @param drain how long a worker that is told to end goes on with its answers before it hands them over
     * @param grace how long it may live then
     * @param faster how many times as fast as a cluster KEDA and the autoscaler look, wait and forget
     * @param limit after that the drill is broken off
     */
    public record Plan(
            ScaledObject scaled,
            int streams,
            Story story,
            int slots,
            Duration drain,
            Duration grace,
            double faster,
            Duration limit) {

        public Plan {
            if (streams < 1 || slots < 1 || faster <= 0) {
                throw new IllegalArgumentException("streams, slots and faster must be more than 0");
            }
        }

        private List<Story> stories() {
            return IntStream.rangeClosed(1, streams)
                    .mapToObj(number ->
                            number % LONG_EVERY == 0 ? new Story(story.tokens() * LONG, story.perSecond()) : story)
                    .toList();
        }
    }

    /**
     * What happened.
     *
     * @param samples in order
     * @param streams all of them
     * @param started workers that were started
     * @param failed workers that died without having been told to, or ended otherwise than SIGTERM ends them
     * @param killed workers that did not end within the grace
     * @param backAtZero whether the last worker had gone before the limit
     * @param burstAt when the questions were asked, s since the begin
     */
    public record Run(
            List<ScaleSample> samples,
            List<StoryStream> streams,
            int started,
            int failed,
            int killed,
            boolean backAtZero,
            double burstAt) {

        /** Whether every answer was exact, no worker failed or had to be killed, and none is left. */
        public boolean isWhole() {
            return backAtZero
                    && failed == 0
                    && killed == 0
                    && streams.stream().allMatch(stream -> stream.problem() == null);
        }

        /** When a stream was last seen open, s since the begin. */
        public double lastOpen() {
            return samples.stream()
                    .filter(sample -> sample.open() > 0)
                    .mapToDouble(ScaleSample::seconds)
                    .max()
                    .orElse(burstAt);
        }

        /** When the last look was taken, s since the begin. */
        public double end() {
            return samples.get(samples.size() - 1).seconds();
        }
    }

    /**
     * @param folder of logs and data; empty or not there
     * @param progress is told of each look
     */
    public ScaleDrill(Plan plan, Path folder, Consumer<ScaleSample> progress) {
        this.plan = plan;
        this.folder = folder.toAbsolutePath();
        this.scaled = plan.scaled().faster(plan.faster());
        this.progress = progress;
    }

    /**
     * Runs it, and ends all that it started. Blocks for minutes.
     *
     * @throws IOException when a part of Flux does not start
     */
    public Run run() throws IOException, InterruptedException {
        Rig.Setup setup = new Rig.Setup(0, plan.slots())
                .with(Map.of("FLUX_DRAIN", plan.drain().toMillis() + "ms"));
        try (Rig rig = Rig.start(folder, setup);
                QueueReading queue = new QueueReading(rig.redisUri(), scaled.triggers());
                Fleet fleet = new Fleet(folder, rig.workerOptions(), plan.grace())) {
            return play(queue, fleet, rig.clients(), rig.port());
        }
    }

    private Run play(QueueReading queue, Fleet fleet, StreamClients clients, int port)
            throws IOException, InterruptedException {
        Activation activation = new Activation(scaled);
        HorizontalScaling horizontal = new HorizontalScaling(scaled);
        Beat polling = new Beat(scaled.polling());
        Beat syncing = new Beat(ScaledObject.divided(SYNC, plan.faster()));
        Beat sampling = new Beat(SAMPLE);
        List<ScaleSample> samples = new ArrayList<>();
        List<StoryStream> streams = List.of();
        Duration burst = scaled.polling();
        long begin = System.nanoTime();
        Duration now = Duration.ZERO;
        boolean over = false;
        while (!over && now.compareTo(plan.limit()) < 0) {
            now = Duration.ofNanos(System.nanoTime() - begin);
            if (streams.isEmpty() && now.compareTo(burst) > 0) {
                streams = clients.ask(port, plan.stories());
            }
            fleet.tend();
            Map<String, Long> values = queue.values();
            if (polling.isDue(now)) {
                fleet.scaleTo(activation.decide(now, scaled.value(values), fleet.wanted()));
            }
            if (syncing.isDue(now)) {
                fleet.scaleTo(horizontal.decide(now, scaled.value(values), fleet.wanted()));
            }
            long open = streams.stream().filter(stream -> !stream.isOver()).count();
            if (sampling.isDue(now)) {
                ScaleSample sample = sample(now, values, fleet, open);
                samples.add(sample);
                progress.accept(sample);
            }
            over = !streams.isEmpty() && open == 0 && fleet.wanted() == 0 && fleet.leaving() == 0;
            LockSupport.parkNanos(TICK.toNanos());
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
        samples.add(sample(now, queue.values(), fleet, 0));
        return new Run(
                List.copyOf(samples), streams, fleet.started(), fleet.failed(), fleet.killed(), over, seconds(burst));
    }

    /** The triggers are those of jobs that wait and of jobs that run, in that order. */
    private ScaleSample sample(Duration now, Map<String, Long> values, Fleet fleet, long open) throws IOException {
        List<ScaledObject.Trigger> triggers = scaled.triggers();
        return new ScaleSample(
                seconds(now),
                values.get(triggers.get(0).name()),
                values.get(triggers.get(1).name()),
                fleet.wanted(),
                fleet.ready(),
                fleet.leaving(),
                open);
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1e3;
    }

    /** Is due once in each period, and at once at first. */
    private static final class Beat {
        private final Duration period;
        private Duration next = Duration.ZERO;

        Beat(Duration period) {
            this.period = period;
        }

        boolean isDue(Duration now) {
            if (now.compareTo(next) < 0) {
                return false;
            }
            next = now.plus(period);
            return true;
        }
    }
}
