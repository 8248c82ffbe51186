package io.flux.engine;

import io.flux.job.ChatTemplate;
import io.flux.model.ModelSpec;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The llama-servers of this worker's models: one for each model whose engine it is. Thread-safe. */
public final class LlamaServers implements AutoCloseable {
    /** The engine's name in {@link ModelSpec#engine}. */
    public static final String ENGINE = "llama-server";

    private final Function<String, ModelSpec> models;
    private final Function<ModelSpec, Path> executables;
    private final Function<ModelSpec, Path> files;
    private final long memory;
    private final Map<String, LlamaServer> servers = new ConcurrentHashMap<>();

    /**
     * @param models a model by its name
     * @param executables finds llama-server; throws {@link IllegalStateException} when it is not there
     * @param files finds a model's file; throws {@link IllegalStateException} when there is none
     * @param memory bytes that each of them may allocate; 0 for no bound
     */
    public LlamaServers(
            Function<String, ModelSpec> models,
            Function<ModelSpec, Path> executables,
            Function<ModelSpec, Path> files,
            long memory) {
        this.models = models;
        this.executables = executables;
        this.files = files;
        this.memory = memory;
    }

    /** A model's server, which {@link LlamaServer#start} starts. */
    public LlamaServer of(String model) {
        return servers.computeIfAbsent(model, name -> new LlamaServer(name, () -> command(models.apply(name)), memory));
    }

    private LlamaServerCommand command(ModelSpec model) {
        return new LlamaServerCommand(
                executables.apply(model),
                files.apply(model),
                model.slots(),
                // All slots are one batch, which one set of threads computes.
                model.threads() == 0 ? Runtime.getRuntime().availableProcessors() : model.threads(),
                model.context() == 0 ? null : model.context(),
                template(model) == null ? model.template() : null,
                model.args());
    }

    /** The template of Flux's that a model is configured with; null for its own, or one that llama-server knows. */
    public static ChatTemplate template(ModelSpec model) {
        return Arrays.stream(ChatTemplate.values())
                .filter(template -> template.name().equalsIgnoreCase(model.template()))
                .findFirst()
                .orElse(null);
    }

    /** Ends all of them. */
    @Override
    public void close() {
        servers.values().parallelStream().forEach(LlamaServer::close);
    }
}
