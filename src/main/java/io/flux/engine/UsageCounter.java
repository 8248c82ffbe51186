package io.flux.engine;

import io.flux.job.ChatMessage;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;

/**
 * Says how many tokens a job took, for every engine and every way in which an answer can end:
 *
 * <ol>
 *   <li>as the engine has counted them, when it has, and all of the answer is one attempt's;
 *   <li>else as the engine's tokenizer counts prompt and text, when the answer is whole and the engine has a tokenizer: a
 *       process that was killed at a stop text says nothing of its tokens;
 *   <li>else as an estimate, which says that it is one: a token for every 4 bytes of UTF-8, at least one for each event.
 * </ol>
 *
 * <p>A cancel and a deadline are never held up by a tokenizer. Thread-safe; may block for as long as the tokenizer takes.
 */
public final class UsageCounter {
    /** About as many bytes of English are in a token of most vocabularies. */
    private static final int BYTES_PER_TOKEN = 4;

    private final Function<String, ChatTemplate> templates;
    private final Function<String, TokenCounter> counters;

    /**
     * The tokens of one job.
     *
     * @param prompt of what the engine read, the template's included; at least 0
     * @param completion of the answer; at least 0
     * @param estimated whether one of them was not counted
     */
    public record Usage(int prompt, int completion, boolean estimated) {}

    /**
     * @param templates the chat template of a model
     * @param counters counts with the tokenizer of a model's engine; bounds the time that it takes
     */
    public UsageCounter(Function<String, ChatTemplate> templates, Function<String, TokenCounter> counters) {
        this.templates = templates;
        this.counters = counters;
    }

    /**
     * Counts or estimates.
     *
     * @param job what the engine of the last attempt was asked
     * @param end how that engine ended; no failure
     * @param written the text of the last attempt
     * @param events in how many events it was written
     */
    public Usage of(EngineJob job, EngineEnd end, String written, int events) {
        boolean said = end.promptTokens() != null && end.completionTokens() != null;
        if (said && !job.isContinued()) {
            return new Usage(end.promptTokens(), end.completionTokens(), false);
        }
        if (end.finish() == FinishReason.STOP || end.finish() == FinishReason.LENGTH) {
            Usage counted = counted(job, end, job.soFar().text() + written);
            if (counted != null) {
                return counted;
            }
        }
        return estimated(job, end, written, events);
    }

    /** By the tokenizer; null when there is none, or it cannot say. */
    private Usage counted(EngineJob job, EngineEnd end, String text) {
        TokenCounter counter = counters.apply(job.model());
        if (counter == TokenCounter.NONE) {
            return null;
        }
        String prompt = templates.apply(job.model()).render(job.request());
        List<Integer> counts = counter.counts(List.of(prompt, prompt + text));
        if (counts.isEmpty()) {
            return null;
        }
        int before = counts.get(0);
        // An engine that went on after an earlier attempt's text has read that text as a part of its prompt.
        int all = end.promptTokens() != null && end.completionTokens() != null
                ? end.promptTokens() + end.completionTokens()
                : counts.get(1);
        return new Usage(before, Math.max(0, all - before), false);
    }

    private static Usage estimated(EngineJob job, EngineEnd end, String written, int events) {
        int earlier = estimate(job.soFar().text(), job.soFar().events());
        int prompt = end.promptTokens() == null ? prompt(job.request()) : Math.max(1, end.promptTokens() - earlier);
        int latest = end.completionTokens() == null ? estimate(written, events) : end.completionTokens();
        int bound = job.request().maxTokens() == null
                ? Integer.MAX_VALUE
                : job.request().maxTokens();
        return new Usage(prompt, Math.min(bound, earlier + latest), true);
    }

    /** At least one token for each turn, since its template takes some. */
    private static int prompt(JobRequest request) {
        return request.prompt() != null
                ? estimate(request.prompt(), 1)
                : request.messages().stream()
                        .map(ChatMessage::content)
                        .mapToInt(content -> estimate(content, 1))
                        .sum();
    }

    private static int estimate(String text, int least) {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        return Math.max(least, (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN);
    }
}
