package io.flux;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.embedded.BundledEngineCommand;
import io.flux.engine.EnginePreflight;
import io.flux.engine.EngineProgram;
import io.flux.engine.Engines;
import io.flux.engine.LiveExec;
import io.flux.engine.LlamaCompletionCommand;
import io.flux.job.ChatTemplate;
import io.flux.job.EventJson;
import io.flux.ledger.Ledger;
import io.flux.worker.Claims;
import io.flux.worker.JobJournal;
import io.flux.worker.Prompts;
import io.flux.worker.Slots;
import io.flux.worker.WorkerMeters;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
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
    Claims claims(Ledger ledger, ObjectMapper mapper, FluxProperties flux) {
        return new Claims(ledger, mapper, flux.model(), flux.id(), flux.lease());
    }

    @Bean
    Prompts prompts(FluxProperties flux) {
        return new Prompts(ChatTemplate.named(flux.template()));
    }

    @Bean
    JobJournal journal(Ledger ledger, EventJson json, Engines engines, MeterRegistry registry, FluxProperties flux) {
        return new JobJournal(ledger, json, engines, new WorkerMeters(registry), flux.attempts());
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

    private static Path engineFolder(FluxProperties flux) {
        return flux.data().resolve("engine");
    }

    private static LlamaCompletionCommand arguments(FluxProperties flux, Supplier<Path> shipped) {
        Path model = flux.modelFile().isBlank() ? shipped.get() : Path.of(flux.modelFile());
        return new LlamaCompletionCommand(
                EnginePreflight.ofEnvironment(flux.llamaDir()).model(model),
                flux.engineThreads(),
                flux.context() == 0 ? null : flux.context(),
                List.of());
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
