package io.flux.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Answer;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.JobIds;
import io.flux.job.JobReport;
import io.flux.job.JobRequest;
import io.flux.job.Refusal;
import io.flux.ledger.Backlog;
import io.flux.ledger.JobLife;
import io.flux.ledger.JournalEntry;
import io.flux.ledger.Ledger;
import io.flux.ledger.Place;

/** Looks at jobs. Thread-safe; blocks for a round trip to Redis for each page of a journal. */
public final class JobReports {
    private static final int PAGE = 512;

    private final Ledger ledger;
    private final ObjectMapper mapper;

    public JobReports(Ledger ledger, ObjectMapper mapper) {
        this.ledger = ledger;
        this.mapper = mapper;
    }

    /**
     * A job as it is now.
     *
     * @throws Refusal {@code not_found}
     */
    public JobReport of(String id) {
        Answer answer = new Answer(mapper);
        Backlog page = ledger.read(id, 0, PAGE);
        if (!page.known()) {
            throw new Refusal(unknown(id));
        }
        JobReport report = page.entries().isEmpty() ? waiting(id, page.model()) : begun(id, page, answer);
        JobLife life = ledger.look(id);
        return life == null ? report : report.with(life.record().withResumes(answer.resumes()));
    }

    /**
     * A job of whichever tenant, as operators see it.
     *
     * @param id the whole one, {@code request_id@tenant} where there are tenants
     * @throws Refusal {@code not_found}
     */
    public JobReport ofAnybody(String id) {
        return of(id).forOperators(id);
    }

    private JobReport waiting(String id, String model) {
        Place place = ledger.place(id, model);
        return place == null
                ? JobReport.waiting(id, model, null, null)
                : JobReport.waiting(id, model, place.position(), place.etaMs());
    }

    private JobReport begun(String id, Backlog first, Answer answer) {
        Backlog page = first;
        long last = 0;
        while (!page.entries().isEmpty()) {
            for (JournalEntry entry : page.entries()) {
                answer.add(entry.frame());
                last = entry.seq();
            }
            page = ledger.read(id, last, PAGE);
        }
        return JobReport.of(id, first.model(), page.state().equals("queued"), last, answer);
    }

    /**
     * A job that was just put in its queue.
     *
     * @param place null when it was there before
     */
    public JobReport of(JobRequest request, Place place) {
        return place == null
                ? of(request.requestId())
                : JobReport.waiting(request.requestId(), request.model(), place.position(), place.etaMs());
    }

    /** What is said of a job that is not there. */
    static Event.Error unknown(String id) {
        return Event.Error.answer(
                id,
                "not_found",
                "there is no job " + Excerpt.of(JobIds.requestId(id)) + "; it may have expired",
                "request_id");
    }
}
