package io.flux.worker;

import io.flux.model.ModelSpec;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Shows what a worker's slots and claims know anyway. */
public final class SlotMeters {
    private SlotMeters() {}

    /** Registers the meters of a worker's slots, which are asked when somebody looks at them. */
    public static void bind(Slots slots, Claims claims, List<ModelSpec> models, MeterRegistry registry) {
        for (ModelSpec model : models) {
            String name = model.name();
            gauge("flux.slots", "Slots that this worker has", name, slots, here -> model.slots(), registry);
            gauge("flux.slots.open", "Slots that take jobs now", name, slots, here -> here.openSlots(name), registry);
            gauge("flux.slots.busy", "Jobs that this worker holds", name, claims, here -> here.count(name), registry);
            gauge(
                    "flux.engine.up",
                    "1 when the model's engine can be asked, else 0",
                    name,
                    slots,
                    here -> here.isEngineUp(name) ? 1 : 0,
                    registry);
        }
        Gauge.builder("flux.worker.draining", slots, here -> here.isDraining() ? 1 : 0)
                .description("1 when this worker was told to stop and finishes what it has, else 0")
                .register(registry);
        FunctionCounter.builder("flux.leases.lost", claims, Claims::lost)
                .description("Leases that had run out when this worker came to renew them")
                .register(registry);
    }

    private static <T> void gauge(
            String name,
            String description,
            String model,
            T source,
            ToDoubleFunction<T> value,
            MeterRegistry registry) {
        Gauge.builder(name, source, value)
                .description(description)
                .tag("model", model)
                .register(registry);
    }
}
