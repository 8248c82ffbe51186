package io.flux.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * A JVM of its own that owns an embedded Redis: prints its address, and when it is told to end by a signal it prints
 * {@code stopping}, waits for a line and only then stops the server, as routes do that finish their work.
 */
final class RedisOwner {
    private RedisOwner() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        EmbeddedRedis redis = new EmbeddedRedis(Path.of(args[0]));
        redis.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(redis), "end"));
        System.out.println(redis.uri());
        Thread.currentThread().join();
    }

    private static void end(EmbeddedRedis redis) {
        System.out.println("stopping");
        try {
            System.in.read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        redis.stop();
    }
}
