package io.flux;

import com.sun.management.OperatingSystemMXBean;
import io.flux.model.ModelSpec;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.springframework.util.unit.DataSize;

/** How much memory each process of an engine may allocate. */
final class EngineMemory {
    /** What the bundled engine needs many times over. */
    private static final long SMALLEST = DataSize.ofGigabytes(1).toBytes();

    private EngineMemory() {}

    /**
     * Bytes; 0 for no bound.
     *
     * @param configured null for a share of the machine's memory, or of the container's: all engines that may run at the
     *     same time get three quarters of it together, and none gets less than 1 GB
     */
    static long bytes(DataSize configured, List<ModelSpec> models) {
        return bytes(
                configured,
                models,
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
    }

    static long bytes(DataSize configured, List<ModelSpec> models, long machine) {
        if (configured != null) {
            return configured.toBytes();
        }
        long processes = models.stream().mapToLong(EngineMemory::processes).sum();
        return Math.max(SMALLEST, machine / 4 * 3 / Math.max(1, processes));
    }

    private static long processes(ModelSpec model) {
        return switch (model.engine()) {
            case "openai" -> 0;
            case "llama-server" -> 1;
            default -> model.slots();
        };
    }
}
