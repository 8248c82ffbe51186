package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.embedded.BundledEngineCommand;
import io.flux.engine.EnginePreflight;
import io.flux.engine.EngineProgram;
import io.flux.engine.Engines;
import io.flux.engine.LiveExec;
import io.flux.engine.LiveHttp;
import io.flux.engine.LlamaCompletionCommand;
import io.flux.engine.LlamaServerRequests;
import io.flux.engine.LlamaServers;
import io.flux.engine.ModelEngine;
import io.flux.engine.OpenAi;
import io.flux.engine.ProcessTokenCounter;
import io.flux.engine.Prompts;
import io.flux.engine.TokenCounter;
import io.flux.engine.UsageCounter;
import io.flux.job.ChatTemplate;
import io.flux.job.EventJson;
import io.flux.kubernetes.PodDeletionCost;
import io.flux.ledger.Ledger;
import io.flux.model.ModelDirectory;
import io.flux.model.ModelSpec;
import io.flux.model.ServedModels;
import io.flux.trace.Exemplars;
import io.flux.trace.Tracing;
import io.flux.worker.Backoff;
import io.flux.worker.Claims;
import io.flux.worker.Drain;
import io.flux.worker.JobJournal;
import io.flux.worker.SlotMeters;
import io.flux.worker.Slots;
import io.flux.worker.WorkerMeters;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.slf4j.event.Level;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** Beans that the worker's routes and the engine kamelets call by name. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBundle("worker")
class WorkerConfiguration {
    /** An attempt that goes on must know how many tokens are left. */
    private static final Duration PROMPT_COUNT = Duration.ofMinutes(1);

    /** An answer that is whole waits no longer for its count. */
    private static final Duration USAGE_COUNT = Duration.ofSeconds(10);

    @Bean
    Claims claims(Ledger ledger, ObjectMapper mapper, Engines engines, ServedModels models, FluxProperties flux) {
        Claims claims = new Claims(ledger, mapper, engines, models, flux.id(), flux.lease());
        engines.onOpen(claims::opened);
        return claims;
    }

    @Bean
    Prompts prompts(FluxProperties flux, ServedModels models) {
        long memory = EngineMemory.bytes(flux.engineMemory(), models.all());
        return new Prompts(
                model -> template(models.named(model)),
                model -> tokenizer(models.named(model), flux, PROMPT_COUNT, memory, Level.WARN));
    }

    @Bean
    UsageCounter usageCounter(FluxProperties flux, ServedModels models) {
        long memory = EngineMemory.bytes(flux.engineMemory(), models.all());
        return new UsageCounter(
                model -> template(models.named(model)),
                model -> tokenizer(models.named(model), flux, USAGE_COUNT, memory, Level.DEBUG));
    }

    private static ChatTemplate template(ModelSpec model) {
        return model.template() == null ? ChatTemplate.CHATML : ChatTemplate.named(model.template());
    }

    private static TokenCounter tokenizer(
            ModelSpec model, FluxProperties flux, Duration timeout, long memory, Level level) {
        return switch (model.engine()) {
            case "bundled" -> new ProcessTokenCounter(() -> bundledTokenizer(model, flux), timeout, memory, level);
            case "llama-completion" ->
                new ProcessTokenCounter(() -> llamaTokenizer(model, flux), timeout, memory, level);
            default -> TokenCounter.NONE;
        };
    }

    @Bean
    WorkerMeters workerMeters(MeterRegistry registry, Exemplars exemplars, ServedModels models) {
        WorkerMeters meters = new WorkerMeters(registry, exemplars);
        models.all().forEach(model -> meters.expect(model.name()));
        return meters;
    }

    @Bean
    JobJournal journal(
            Ledger ledger,
            EventJson json,
            Claims claims,
            WorkerMeters workerMeters,
            Tracing tracing,
            Clock clock,
            UsageCounter usageCounter,
            FluxProperties flux) {
        return new JobJournal(
                ledger,
                json,
                claims,
                workerMeters,
                new JobJournal.Terms(
                        flux.attemptLimits(), flux.deadRetention(), flux.id(), clock, tracing, usageCounter));
    }

    @Bean
    Backoff backoff(FluxProperties flux) {
        return new Backoff(flux.backoff());
    }

    @Bean
    Drain drain(Slots slots, Claims claims, FluxProperties flux) {
        return new Drain(slots, claims, flux.drain());
    }

    /** Made when its route needs it: outside of Kubernetes never. */
    @Bean
    @Lazy
    PodDeletionCost podDeletionCost(Claims claims, FluxProperties flux) {
        return new PodDeletionCost(PodDeletionCost.Account.ofPod(), flux.pod(), claims::count);
    }

    @Bean
    Engines engines(FluxProperties flux) {
        return new Engines(flux.engineStall());
    }

    @Bean
    LiveExec liveExec(FluxProperties flux, ServedModels models) {
        return new LiveExec(EngineMemory.bytes(flux.engineMemory(), models.all()));
    }

    /** Servers elsewhere that speak OpenAI's API. */
    @Bean
    OpenAi openai(Engines engines, ObjectMapper mapper, ServedModels models) {
        return new OpenAi(
                engines,
                mapper,
                models.all().stream()
                        .filter(model -> model.engine().equals("openai"))
                        .collect(Collectors.toMap(ModelSpec::name, ModelSpec::upstream)));
    }

    /** llama.cpp out of our own jar. */
    @Bean
    EngineProgram bundledProgram(FluxProperties flux, ServedModels models) {
        return new EngineProgram(model -> {
            BundledEngineCommand bundled = BundledEngineCommand.prepare(engineFolder(flux));
            return new EngineProgram.Launch(
                    bundled.executable(),
                    bundled.leadingArguments(),
                    arguments(models.named(model), flux, bundled::modelFile));
        });
    }

    /** llama.cpp as this machine has it. */
    @Bean
    EngineProgram llamaCompletionProgram(FluxProperties flux, ServedModels models) {
        return new EngineProgram(model -> new EngineProgram.Launch(
                EnginePreflight.ofEnvironment(flux.llamaDir())
                        .command("llama-completion")
                        .toString(),
                List.of(),
                arguments(models.named(model), flux, () -> BundledEngineCommand.unpackModel(engineFolder(flux)))));
    }

    /**
     * What makes Camel's HTTP client fit for engines: {@code http:…?httpClientConfigurer=#liveHttp}. Made for the first engine
     * that asks over HTTP: whom Java trusts takes long to read.
     */
    @Bean
    @Lazy
    LiveHttp liveHttp(Engines engines) {
        return new LiveHttp(engines);
    }

    @Bean
    LlamaServers llamaServers(FluxProperties flux, ServedModels models) {
        return new LlamaServers(
                models::named,
                model -> EnginePreflight.ofEnvironment(flux.llamaDir()).command(LlamaServers.ENGINE),
                model -> Path.of(file(model, flux, () -> BundledEngineCommand.unpackModel(engineFolder(flux)))),
                EngineMemory.bytes(flux.engineMemory(), models.all()));
    }

    @Bean
    LlamaServerRequests llamaServer(LlamaServers servers, ServedModels models, ObjectMapper mapper) {
        return new LlamaServerRequests(servers::of, model -> LlamaServers.template(models.named(model)), mapper);
    }

    private static List<String> bundledTokenizer(ModelSpec model, FluxProperties flux) {
        BundledEngineCommand bundled = BundledEngineCommand.prepare(engineFolder(flux));
        List<String> command = new ArrayList<>(List.of(bundled.executable()));
        command.addAll(bundled.leadingArguments());
        command.addAll(List.of("--count-tokens", "-m", file(model, flux, bundled::modelFile)));
        return command;
    }

    private static List<String> llamaTokenizer(ModelSpec model, FluxProperties flux) {
        return List.of(
                EnginePreflight.ofEnvironment(flux.llamaDir())
                        .command("llama-tokenize")
                        .toString(),
                "-m",
                file(model, flux, () -> BundledEngineCommand.unpackModel(engineFolder(flux))),
                "--stdin",
                "--no-escape",
                "--ids",
                "--show-count",
                "--log-disable");
    }

    private static Path engineFolder(FluxProperties flux) {
        return flux.data().resolve("engine");
    }

    private static LlamaCompletionCommand arguments(ModelSpec model, FluxProperties flux, Supplier<Path> shipped) {
        return new LlamaCompletionCommand(
                Path.of(file(model, flux, shipped)),
                model.threads() == 0 ? shareOfCores(model) : model.threads(),
                model.context() == 0 ? null : model.context(),
                model.args());
    }

    /** One process for each job: the slots share the cores. */
    private static int shareOfCores(ModelSpec model) {
        return Math.max(1, Runtime.getRuntime().availableProcessors() / model.slots());
    }

    private static String file(ModelSpec model, FluxProperties flux, Supplier<Path> shipped) {
        Path file = model.file() == null ? shipped.get() : model.file();
        return EnginePreflight.ofEnvironment(flux.llamaDir()).model(file).toString();
    }

    @Bean
    Slots slots(
            CamelContext camel,
            ServedModels models,
            EngineProgram bundledProgram,
            EngineProgram llamaCompletionProgram,
            LlamaServers servers,
            OpenAi openai,
            Claims claims,
            ModelDirectory directory,
            MeterRegistry registry) {
        List<Slots.Served> served = models.all().stream()
                .map(model -> new Slots.Served(
                        model,
                        switch (model.engine()) {
                            case "bundled" -> ModelEngine.onDemand(() -> bundledProgram.find(model.name()));
                            case "llama-completion" ->
                                ModelEngine.onDemand(() -> llamaCompletionProgram.find(model.name()));
                            case "llama-server" -> servers.of(model.name());
                            case "openai" -> openai.server(model.name());
                            // A kamelet of a team's own needs nothing of ours.
                            default -> ModelEngine.onDemand(() -> {});
                        }))
                .toList();
        ProducerTemplate announce = camel.createProducerTemplate();
        Slots slots = new Slots(camel, served, () -> {
            // In the background: Redis may take its time, and slots must not wait for it.
            var unused = announce.asyncSendBody("direct:common-announce", null);
        });
        directory.onAnnounced(slots::announced);
        SlotMeters.bind(slots, claims, models.all(), registry);
        return slots;
    }
}
