package io.flux.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One of fifty clients stops reading. */
class SlowReaderIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int OTHERS = 49;
    /** 15 MB: the sockets' buffers hold a few, and the gateway has no room for the rest. */
    private static final int NUMBERS = 2_000_000;

    @TempDir
    static Path folder;

    @Test
    void theOthersNoticeNothingTheGatewayKeepsNothingAndTheSlowOneGetsEveryTokenOnce() {
        TestRedis redis = TestRedis.empty();
        FakeEngine engine = new FakeEngine(folder.resolve("engine"));
        List<FluxSocket> others = new ArrayList<>();
        try (RunningFlux gateway = RunningFlux.named("slow-gateway")
                        .gateway()
                        .redis(redis)
                        .java("-Xmx40m")
                        .start();
                RunningFlux worker = RunningFlux.named("slow-worker")
                        .worker()
                        .redis(redis)
                        .engine(engine)
                        .set("FLUX_SLOTS", OTHERS + 1)
                        .start();
                FluxSocket slow = gateway.connect()) {
            for (int i = 0; i < OTHERS; i++) {
                FluxSocket other = gateway.connect();
                others.add(other);
                other.ask("other-" + i, "gate begun\n");
            }
            for (int i = 0; i < OTHERS; i++) {
                others.get(i).await("other-" + i, "token");
            }
            slow.ask("slow", "count " + NUMBERS + "\n");
            slow.await("slow", "start");
            slow.pause();
            await().atMost(PATIENCE).until(() -> "done".equals(redis.commands().hget("flux:{slow}:job", "state")));
            int seen = slow.events().size();

            // All of it is written, and one client does not read it: the others go on.
            engine.open("begun");
            for (int i = 0; i < OTHERS; i++) {
                FluxSocket other = others.get(i);
                assertThat(other.awaitEnd("other-" + i).path("finish_reason").asText())
                        .isEqualTo("stop");
                assertThat(other.text("other-" + i)).isEqualTo("AB");
                other.ask("more-" + i, "story 5\n");
            }
            for (int i = 0; i < OTHERS; i++) {
                others.get(i).awaitEnd("more-" + i);
                assertThat(others.get(i).text("more-" + i)).isEqualTo(FakeEngine.story(5));
            }
            assertThat(slow.events()).as("has read nothing meanwhile").hasSizeLessThanOrEqualTo(seen + 1);

            slow.unpause();
            await().atMost(PATIENCE)
                    .until(() -> !slow.events("slow", "complete").isEmpty());
            slow.assertGapless("slow", 1);
            assertThat(slow.text("slow"))
                    .isEqualTo(IntStream.rangeClosed(1, NUMBERS)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining("\n", "", "\n")));
            assertThat(gateway.log()).doesNotContain("OutOfMemoryError");
            assertThat(gateway.isAlive() && worker.isAlive()).isTrue();
        } finally {
            others.forEach(FluxSocket::close);
            TestRedis.empty();
        }
    }
}
