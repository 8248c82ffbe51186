package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.embedded.BundledEngineCommand;
import io.flux.engine.EnginePreflight;
import io.flux.engine.EngineProgram;
import io.flux.engine.Engines;
import io.flux.engine.LiveExec;
import io.flux.engine.LlamaCompletionCommand;
import io.flux.engine.ProcessTokenCounter;
import io.flux.engine.TokenCounter;
import io.flux.job.ChatTemplate;
import io.flux.job.EventJson;
import io.flux.ledger.Ledger;
import io.flux.worker.Backoff;
import io.flux.worker.Claims;
import io.flux.worker.Drain;
import io.flux.worker.JobJournal;
import io.flux.worker.Prompts;
import io.flux.worker.Slots;
import io.flux.worker.WorkerMeters;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Beans that the worker's routes and the engine kamelets call by name. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBundle("worker")
class WorkerConfiguration {
    /** The program that a shipped engine's kamelet runs. */
    private static final Map<String, String> PROGRAMS =
            Map.of("bundled", "bundledProgram", "llama-completion", "llamaCompletionProgram");

    @Bean
    Claims claims(Ledger ledger, ObjectMapper mapper, Engines engines, FluxProperties flux) {
        return new Claims(ledger, mapper, engines, flux.model(), flux.id(), flux.lease());
    }

    @Bean
    Prompts prompts(FluxProperties flux) {
        return new Prompts(
                ChatTemplate.named(flux.template()),
                switch (flux.engine()) {
                    case "bundled" -> new ProcessTokenCounter(() -> bundledTokenizer(flux));
                    case "llama-completion" -> new ProcessTokenCounter(() -> llamaTokenizer(flux));
                    default -> TokenCounter.NONE;
                });
    }

    @Bean
    JobJournal journal(
            Ledger ledger, EventJson json, Claims claims, MeterRegistry registry, Clock clock, FluxProperties flux) {
        return new JobJournal(
                ledger,
                json,
                claims,
                new WorkerMeters(registry),
                new JobJournal.Terms(flux.attemptLimits(), flux.deadRetention(), flux.id(), clock));
    }

    @Bean
    Backoff backoff(FluxProperties flux) {
        return new Backoff(flux.backoff());
    }

    @Bean
    Drain drain(Slots slots, Claims claims, FluxProperties flux) {
        return new Drain(slots, claims, flux.drain());
    }

    @Bean
    Engines engines(FluxProperties flux) {
        return new Engines(flux.engineStall());
    }

    @Bean
    LiveExec liveExec() {
        return new LiveExec();
    }

    /** llama.cpp out of our own jar. */
    @Bean
    EngineProgram bundledProgram(FluxProperties flux) {
        return new EngineProgram(() -> {
            BundledEngineCommand bundled = BundledEngineCommand.prepare(engineFolder(flux));
            return new EngineProgram.Launch(
                    bundled.executable(), bundled.leadingArguments(), arguments(flux, bundled::modelFile));
        });
    }

    /** llama.cpp as this machine has it. */
    @Bean
    EngineProgram llamaCompletionProgram(FluxProperties flux) {
        return new EngineProgram(() -> new EngineProgram.Launch(
                EnginePreflight.ofEnvironment(flux.llamaDir())
                        .command("llama-completion")
                        .toString(),
                List.of(),
                arguments(flux, () -> BundledEngineCommand.unpackModel(engineFolder(flux)))));
    }

    private static List<String> bundledTokenizer(FluxProperties flux) {
        BundledEngineCommand bundled = BundledEngineCommand.prepare(engineFolder(flux));
        List<String> command = new ArrayList<>(List.of(bundled.executable()));
        command.addAll(bundled.leadingArguments());
        command.addAll(List.of("--count-tokens", "-m", model(flux, bundled::modelFile)));
        return command;
    }

    private static List<String> llamaTokenizer(FluxProperties flux) {
        return List.of(
                EnginePreflight.ofEnvironment(flux.llamaDir())
                        .command("llama-tokenize")
                        .toString(),
                "-m",
                model(flux, () -> BundledEngineCommand.unpackModel(engineFolder(flux))),
                "--stdin",
                "--no-escape",
                "--ids",
                "--show-count",
                "--log-disable");
    }

    private static Path engineFolder(FluxProperties flux) {
        return flux.data().resolve("engine");
    }

    private static LlamaCompletionCommand arguments(FluxProperties flux, Supplier<Path> shipped) {
        return new LlamaCompletionCommand(
                Path.of(model(flux, shipped)),
                flux.engineThreads(),
                flux.context() == 0 ? null : flux.context(),
                List.of());
    }

    private static String model(FluxProperties flux, Supplier<Path> shipped) {
        Path model = flux.modelFile().isBlank() ? shipped.get() : Path.of(flux.modelFile());
        return EnginePreflight.ofEnvironment(flux.llamaDir()).model(model).toString();
    }

    @Bean
    Slots slots(CamelContext camel, FluxProperties flux, Map<String, EngineProgram> programs) {
        EngineProgram program = programs.get(PROGRAMS.get(flux.engine()));
        return new Slots(camel, flux.slots(), () -> {
            // A kamelet of a team's own needs no program of ours.
            if (program != null) {
                program.find();
            }
        });
    }
}
