package io.flux.worker;

import io.flux.engine.EngineJob;
import io.flux.engine.TokenCounter;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;
import java.util.OptionalInt;

/**
 * Turns a job into what an engine is asked: the chat template applied, and what is written already left to go on from.
 * Thread-safe. For a job that goes on it counts tokens, which may take as long as an engine's start.
 */
public final class Prompts {
    private final ChatTemplate template;
    private final TokenCounter counter;

    /**
     * @param counter counts with the engine's own tokenizer
     */
    public Prompts(ChatTemplate template, TokenCounter counter) {
        this.template = template;
        this.counter = counter;
    }

    /** The engine's part of an attempt; null when earlier attempts have used up the tokens that it may take. */
    public EngineJob prepare(Attempt attempt) {
        JobRequest request = attempt.request();
        String prompt = template.render(request);
        int left = request.maxTokens() - written(prompt, attempt.soFar());
        if (left <= 0) {
            return null;
        }
        return new EngineJob(
                attempt.requestId(),
                attempt.number(),
                attempt.model(),
                prompt + attempt.soFar().text(),
                left,
                request.temperature(),
                request.topP(),
                request.topK(),
                request.minP(),
                request.seed(),
                request.stop(),
                attempt.timeLeft());
    }

    /** Tokens of the text so far. An event holds at least one, and is all that there is to count without a tokenizer. */
    private int written(String prompt, Transcript soFar) {
        if (soFar.text().isEmpty()) {
            return 0;
        }
        OptionalInt before = counter.count(prompt);
        if (before.isEmpty()) {
            return soFar.events();
        }
        OptionalInt all = counter.count(prompt + soFar.text());
        return all.isEmpty() ? soFar.events() : all.getAsInt() - before.getAsInt();
    }
}
