package io.flux.ledger;

import java.time.Duration;
import java.util.List;

/**
 * What processes have said about models.
 *
 * @param names the models that there ever were a queue of
 * @param announcements the newest first
 */
public record Announced(List<String> names, List<Announcement> announcements) {
    /**
     * What one process has said.
     *
     * @param json as it was given to the ledger
     * @param age since it was said
     */
    public record Announcement(String json, Duration age) {}
}
