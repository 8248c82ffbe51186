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
import org.apache.camel.CamelContext;
import org.springframework.beans.factory.BeanCreationException;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

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
    @Lazy
    EngineProgram bundledProgram(FluxProperties flux) {
        BundledEngineCommand bundled = BundledEngineCommand.prepare(flux.data().resolve("engine"));
        return new EngineProgram(
                bundled.executable(),
                bundled.leadingArguments(),
                arguments(flux, modelFile(flux, bundled.modelFile())));
    }

    /** llama.cpp as this machine has it. */
    @Bean
    @Lazy
    EngineProgram llamaCompletionProgram(FluxProperties flux) {
        EnginePreflight preflight = EnginePreflight.ofEnvironment(flux.llamaDir());
        String executable = preflight.command("llama-completion").toString();
        Path shipped = flux.modelFile().isBlank()
                ? BundledEngineCommand.unpackModel(flux.data().resolve("engine"))
                : null;
        return new EngineProgram(executable, List.of(), arguments(flux, preflight.model(modelFile(flux, shipped))));
    }

    private static Path modelFile(FluxProperties flux, Path shipped) {
        return flux.modelFile().isBlank() ? shipped : Path.of(flux.modelFile());
    }

    private static LlamaCompletionCommand arguments(FluxProperties flux, Path modelFile) {
        return new LlamaCompletionCommand(
                modelFile, flux.engineThreads(), flux.context() == 0 ? null : flux.context(), List.of());
    }

    @Bean
    Slots slots(CamelContext camel, FluxProperties flux, BeanFactory beans) {
        return new Slots(camel, flux.slots(), () -> {
            String program = PROGRAMS.get(flux.engine());
            if (program == null) {
                return; // a kamelet of a team's own, which needs no program of ours
            }
            try {
                beans.getBean(program, EngineProgram.class);
            } catch (BeanCreationException e) {
                throw new IllegalStateException(e.getMostSpecificCause().getMessage(), e);
            }
        });
    }
}
