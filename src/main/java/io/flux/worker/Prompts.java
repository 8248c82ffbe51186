package io.flux.worker;

import io.flux.engine.EngineJob;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;

/** Turns a job into what an engine is asked: the chat template applied, and what is written already left to go on from. */
public final class Prompts {
    private final ChatTemplate template;

    public Prompts(ChatTemplate template) {
        this.template = template;
    }

    /** The engine's part of an attempt. */
    public EngineJob prepare(Attempt attempt) {
        JobRequest request = attempt.request();
        Transcript soFar = attempt.soFar();
        return new EngineJob(
                attempt.requestId(),
                attempt.number(),
                attempt.model(),
                template.render(request) + soFar.text(),
                Math.max(1, request.maxTokens() - soFar.tokens()),
                request.temperature(),
                request.topP(),
                request.topK(),
                request.minP(),
                request.seed(),
                request.stop());
    }
}
