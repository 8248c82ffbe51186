package io.flux.ledger;

import java.util.LinkedHashMap;
import java.util.Map;

/** Why a Redis that answers takes no writes. */
public final class RefusedWrites {
    /** How Redis begins to say so, and what it means. */
    private static final Map<String, String> REASONS = new LinkedHashMap<>();

    static {
        REASONS.put("OOM command not allowed", "its memory is full (maxmemory)");
        REASONS.put("READONLY You can't write", "it is a read-only replica");
        REASONS.put("MISCONF ", "it cannot save its data to the disk");
        REASONS.put("NOREPLICAS ", "too few of its replicas are there (min-replicas-to-write)");
    }

    private RefusedWrites() {}

    /**
     * The reason, as a sentence; null when the failure is another one.
     *
     * @param failure of a command or a script
     */
    public static String reason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage();
            if (message != null) {
                for (Map.Entry<String, String> reason : REASONS.entrySet()) {
                    if (message.contains(reason.getKey())) {
                        return "Redis takes no writes: " + reason.getValue();
                    }
                }
            }
        }
        return null;
    }
}
