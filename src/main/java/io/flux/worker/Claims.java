package io.flux.worker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.JobRequest;
import io.flux.ledger.Backlog;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Ledger;
import io.flux.ledger.Started;
import java.time.Duration;
import java.util.Collection;
import java.util.List;

/** Makes a popped job this worker's, and keeps it so. Thread-safe; blocks for round trips to Redis. */
public final class Claims {
    private static final int PAGE = 512;

    private final Ledger ledger;
    private final ObjectMapper mapper;
    private final String model;
    private final String worker;
    private final Duration lease;

    /**
     * @param model the model that this worker serves
     * @param worker this worker's id
     * @param lease how long a job stays ours without a renewal
     */
    public Claims(Ledger ledger, ObjectMapper mapper, String model, String worker, Duration lease) {
        this.ledger = ledger;
        this.mapper = mapper;
        this.model = model;
        this.worker = worker;
        this.lease = lease;
    }

    /** Takes the lease of a popped job; false when it is not ours to serve. */
    public boolean lease(String id) {
        return ledger.lease(id, model, lease);
    }

    /**
     * Begins an attempt; null when the job has ended.
     *
     * @throws io.flux.ledger.FencedException when another attempt is at it
     */
    public Attempt start(String id) throws JsonProcessingException {
        Started started = ledger.start(id, worker);
        if (started == null) {
            return null;
        }
        JobRequest request = mapper.readValue(started.request(), JobRequest.class);
        return new Attempt(started, request, started.attempt() == 1 ? Transcript.EMPTY : transcript(id));
    }

    /** Extends the leases of running jobs; returns the ids that are lost. */
    public List<String> renew(Collection<String> running) {
        return running.isEmpty() ? List.of() : ledger.renew(model, lease, running);
    }

    /** Gives a leased job back to the front of its queue. */
    public boolean requeue(String id) {
        return ledger.requeue(id, model);
    }

    private Transcript transcript(String id) throws JsonProcessingException {
        StringBuilder text = new StringBuilder();
        int tokens = 0;
        Backlog page = ledger.read(id, 0, PAGE);
        while (!page.entries().isEmpty()) {
            for (JournalEntry entry : page.entries()) {
                JsonNode event = mapper.readTree(entry.frame());
                if (event.path("type").asText().equals("token")) {
                    text.append(event.path("content").asText());
                    tokens++;
                } else if (event.path("mode").asText().equals("reset")) {
                    text.setLength(0);
                    tokens = 0;
                }
            }
            page = ledger.read(id, page.entries().get(page.entries().size() - 1).seq(), PAGE);
        }
        return new Transcript(text.toString(), tokens);
    }
}
