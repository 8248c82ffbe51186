package io.flux.engine;

import io.flux.job.ChatTemplate;
import java.util.List;
import java.util.function.Function;

/**
 * Turns a job into a text to complete, for engines that know nothing of conversations: the chat template applied, and what
 * is written already left to go on from. Thread-safe. For a job that goes on it counts tokens, which may take as long as
 * an engine's start.
 */
public final class Prompts {
    private final Function<String, ChatTemplate> templates;
    private final Function<String, TokenCounter> counters;

    /**
     * @param templates the chat template of a model
     * @param counters counts with the tokenizer of a model's engine
     */
    public Prompts(Function<String, ChatTemplate> templates, Function<String, TokenCounter> counters) {
        this.templates = templates;
        this.counters = counters;
    }

    /** What the engine is to complete; null when earlier attempts have used up the tokens that the request may take. */
    public Completion prepare(EngineJob job) {
        String prompt = templates.apply(job.model()).render(job.request());
        int left = job.request().maxTokens() - written(prompt, job);
        return left <= 0 ? null : new Completion(prompt + job.soFar().text(), left);
    }

    /** Tokens of the text so far. An event holds at least one, and is all that there is to count without a tokenizer. */
    private int written(String prompt, EngineJob job) {
        Transcript soFar = job.soFar();
        if (soFar.text().isEmpty()) {
            return 0;
        }
        TokenCounter counter = counters.apply(job.model());
        List<Integer> counts = counter.counts(List.of(prompt, prompt + soFar.text()));
        return counts.isEmpty() ? soFar.events() : counts.get(1) - counts.get(0);
    }
}
