package io.flux.embedded;

import java.nio.file.Path;

/** A process that owns an embedded Redis: says its address and stays until its stdin ends or it is killed. */
public final class RedisOwner {
    private RedisOwner() {}

    public static void main(String[] args) throws Exception {
        EmbeddedRedis redis = new EmbeddedRedis(Path.of(args[0]));
        try {
            redis.start();
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
            return;
        }
        // A signal of the terminal ends Flux in an orderly way, which takes its time; here it does nothing.
        sun.misc.Signal.handle(new sun.misc.Signal("INT"), signal -> {
            System.out.println("interrupted");
        });
        System.out.println(redis.uri());
        while (System.in.read() != -1) {
            // nothing to say
        }
        redis.stop();
        System.out.println("stopped");
    }
}
