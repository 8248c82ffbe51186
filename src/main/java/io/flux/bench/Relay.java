package io.flux.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Tokens of many answers on their way: from the engines' {@code write} to their clients, between two moments. */
final class Relay {
    private final List<Double> latencies = new ArrayList<>();
    private long bytes;
    private int events;

    private Relay() {}

    /**
     * What came of the tokens that were written between two moments.
     *
     * @param streams that are over, of stories with names
     */
    static Relay between(Rig rig, List<StoryStream> streams, long from, long to) throws IOException {
        return between(rig.stamps(), streams, from, to);
    }

    /** What came of all tokens. @param stamps the folder of {@link Stamps} */
    static Relay of(Path stamps, List<StoryStream> streams) throws IOException {
        return between(stamps, streams, Long.MIN_VALUE, Long.MAX_VALUE);
    }

    private static Relay between(Path stamps, List<StoryStream> streams, long from, long to) throws IOException {
        Relay relay = new Relay();
        for (StoryStream stream : streams) {
            relay.add(stream, Stamps.read(stamps, (Story) stream.question()), from, to);
        }
        return relay;
    }

    private void add(StoryStream stream, Stamps stamps, long from, long to) {
        int token = 0;
        for (StoryStream.Arrival arrival : stream.arrivals()) {
            int before = latencies.size();
            for (; token < arrival.position() / Story.TOKEN; token++) {
                long written = stamps.get(token);
                if (written != 0 && written >= from && written < to) {
                    latencies.add((arrival.nanos() - written) / 1e6);
                }
            }
            if (latencies.size() > before) {
                events++;
                bytes += arrival.bytes();
            }
        }
    }

    /** Tokens that there were. */
    int tokens() {
        return latencies.size();
    }

    /** From write to receive, ms. */
    Distribution latencies() {
        return Distribution.of(latencies);
    }

    /** Bytes on the client's wire for a token. */
    double bytesPerToken() {
        return (double) bytes / tokens();
    }

    /** Frames that they came in. */
    int events() {
        return events;
    }
}
