package io.flux.gateway;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.JobIds;
import io.flux.job.Refusal;
import io.flux.ledger.JobLife;
import io.flux.ledger.Ledger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;

/**
 * What operators see of the jobs that run and wait: where they are and since when, nothing of what was asked. Thread-safe;
 * blocks for some round trips to Redis for each model, and one for each job that is listed.
 */
public final class JobList {
    private static final int DEFAULT_LIMIT = 50;
    private static final int LARGEST_LIMIT = 1000;

    private final Ledger ledger;
    private final Supplier<? extends Collection<String>> models;

    /** @param models the names of all models that there is a queue of */
    public JobList(Ledger ledger, Supplier<? extends Collection<String>> models) {
        this.ledger = ledger;
        this.models = models;
    }

    /**
     * A model's jobs.
     *
     * @param running how many a worker has, those included that wait for the time of their next attempt
     * @param waiting how many are in line
     * @param jobs those that run, then those that wait, the next to be served first; there may be more than are listed
     */
    public record Jobs(String model, int running, int waiting, List<Listed> jobs) {}

    /**
     * A job.
     *
     * @param requestId its whole id, {@code request_id@tenant} where there are tenants
     * @param tenant whose it is; null where there are no tenants
     * @param state {@code running}; {@code retrying}: it waits for the time of its next attempt; {@code queued}
     * @param ageMs ms since it came
     * @param position its place in line; null unless it is there: a worker may be about to begin with it
     * @param attempts how many attempts have begun
     * @param attemptMs ms since the attempt began; null unless it is running
     * @param worker who has it, or had it last; null before its first attempt
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Listed(
            @JsonProperty("request_id") String requestId,
            @JsonProperty("tenant") String tenant,
            @JsonProperty("state") String state,
            @JsonProperty("age_ms") long ageMs,
            @JsonProperty("position") Integer position,
            @JsonProperty("attempts") int attempts,
            @JsonProperty("attempt_ms") Long attemptMs,
            @JsonProperty("worker") String worker) {}

    /**
     * The jobs of each model.
     *
     * @param model only that one's; null or empty for all
     * @param limit the most jobs to list of each model, 1 to 1000; null for 50
     * @throws Refusal {@code invalid_request} for another limit, {@code not_found} for a model without a queue
     */
    public List<Jobs> list(String model, String limit) {
        int most = limit(limit);
        Collection<String> all = models.get();
        if (model == null || model.isEmpty()) {
            return all.stream().sorted().map(name -> jobs(name, most)).toList();
        }
        if (!all.contains(model)) {
            throw new Refusal(Event.Error.answer(
                    null, "not_found", "there is no queue of a model " + Excerpt.of(model), "model"));
        }
        return List.of(jobs(model, most));
    }

    private static int limit(String text) {
        if (text == null) {
            return DEFAULT_LIMIT;
        }
        if (!text.matches("\\d{1,4}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > LARGEST_LIMIT) {
            throw new Refusal(Event.Error.answer(
                    null, "invalid_request", "limit must be between 1 and " + LARGEST_LIMIT, "limit"));
        }
        return Integer.parseInt(text);
    }

    private Jobs jobs(String model, int most) {
        List<String> running = ledger.running(model);
        List<String> waiting = ledger.order(model);
        List<Listed> jobs = new ArrayList<>();
        for (int i = 0; i < running.size() && jobs.size() < most; i++) {
            add(jobs, running.get(i), null);
        }
        for (int i = 0; i < waiting.size() && jobs.size() < most; i++) {
            add(jobs, waiting.get(i), i + 1);
        }
        return new Jobs(model, running.size(), waiting.size(), jobs);
    }

    /** Unless it has ended meanwhile. */
    private void add(List<Listed> jobs, String id, Integer position) {
        JobLife life = ledger.look(id);
        if (life == null || life.state().equals("done")) {
            return;
        }
        boolean runs = life.state().equals("running");
        boolean retries = !runs && position == null && life.record().attempts() > 0;
        String tenant = JobIds.tenant(id);
        jobs.add(new Listed(
                id,
                tenant.isEmpty() ? null : tenant,
                runs ? "running" : retries ? "retrying" : "queued",
                life.nowMs() - life.record().createdMs(),
                runs ? null : position,
                life.record().attempts(),
                runs ? (Long) (life.nowMs() - life.record().current().beganMs()) : null,
                life.record().worker()));
    }
}
