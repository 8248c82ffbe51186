package io.flux.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Answer;
import io.flux.job.JobReport;
import java.util.Map;

/** Nothing until the job has ended; then its report. */
final class WholeAnswer implements Rendition {
    private final ObjectMapper mapper;
    private final JsonError errors;
    private final Answer answer;
    private String id;
    private String model;

    WholeAnswer(ObjectMapper mapper, JsonError errors) {
        this.mapper = mapper;
        this.errors = errors;
        this.answer = new Answer(mapper);
    }

    @Override
    public void event(String frame, HttpAnswer http) {
        JsonNode event = answer.add(frame);
        FrameHead head = FrameHead.of(frame);
        if (head.isRefusal()) {
            errors.answer(frame, http);
        } else if (head.type().equals("ticket")) {
            id = event.path("request_id").asText();
            model = event.path("model").asText();
        } else if (head.isLast()) {
            JobReport report = JobReport.of(id, model, false, head.seq(), answer);
            http.whole(
                    report.error() == null ? 200 : HttpStatus.of(report.error().code()),
                    Map.of("Content-Type", "application/json"),
                    json(report));
        }
    }

    private String json(JobReport report) {
        try {
            return mapper.writeValueAsString(report);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report has no JSON form", e);
        }
    }

    /** It follows from the first event on, and so always gets the last. */
    @Override
    public void over(HttpAnswer http) {
        interrupted(http);
    }

    /** The job goes on, and who asks for it under its id gets its answer. */
    @Override
    public void interrupted(HttpAnswer http) {
        errors.answer(JsonError.INTERRUPTED, http);
    }
}
