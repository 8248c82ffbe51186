package io.flux.engine;

import java.nio.file.Path;
import java.util.List;

/** A JVM of its own that owns a llama-server: prints {@code pid} and its number, and stays. */
final class LlamaServerOwner {
    private LlamaServerOwner() {}

    public static void main(String[] args) throws InterruptedException {
        LlamaServerCommand command =
                new LlamaServerCommand(Path.of(args[0]), RealLlamaServer.MODEL, 1, 1, null, null, List.of());
        LlamaServer server = new LlamaServer("default", () -> command, RealLlamaServer.QUICK);
        server.gate().onChange(() -> {
            if (server.gate().problem() == null) {
                System.out.println("pid " + server.pid());
            }
        });
        server.start();
        Thread.currentThread().join();
    }
}
