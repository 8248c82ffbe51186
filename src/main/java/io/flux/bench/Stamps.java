package io.flux.bench;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * When each token of a {@link Story} was written, by {@link System#nanoTime}, which on Linux and macOS is one clock for all
 * processes. A file that is mapped into memory: a stamp costs its writer no system call, and outlives a writer that is killed.
 */
final class Stamps {
    private final LongBuffer nanos;

    private Stamps(LongBuffer nanos) {
        this.nanos = nanos;
    }

    /** For the engine. Stamps of earlier attempts stay. */
    static Stamps write(Path folder, Story story) throws IOException {
        return map(folder, story, FileChannel.MapMode.READ_WRITE);
    }

    /** For the one who measures; empty where the engine has noted nothing yet. */
    static Stamps read(Path folder, Story story) throws IOException {
        return Files.exists(folder.resolve(story.name()))
                ? map(folder, story, FileChannel.MapMode.READ_ONLY)
                : new Stamps(LongBuffer.allocate(story.tokens()));
    }

    private static Stamps map(Path folder, Story story, FileChannel.MapMode mode) throws IOException {
        Path file = folder.resolve(story.name());
        try (FileChannel channel = mode == FileChannel.MapMode.READ_ONLY
                ? FileChannel.open(file)
                : FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new Stamps(channel.map(mode, 0, (long) story.tokens() * Long.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .asLongBuffer());
        }
    }

    /** Notes a token, 0 for the first. */
    void set(int token, long at) {
        nanos.put(token, at);
    }

    /** When a token was written, 0 for the first; 0 when it was not yet. */
    long get(int token) {
        return nanos.get(token);
    }
}
