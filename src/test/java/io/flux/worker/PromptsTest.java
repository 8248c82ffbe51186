package io.flux.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.engine.EngineJob;
import io.flux.engine.TokenCounter;
import io.flux.job.ChatTemplate;
import io.flux.job.JobRequest;
import io.flux.ledger.Started;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What an engine is asked, and for how many tokens. */
class PromptsTest {
    private static final String PROMPT = "<|im_start|>user\nWrite<|im_end|>\n<|im_start|>assistant\n";

    private final List<String> counted = new ArrayList<>();

    @Test
    void theFirstAttemptIsAskedForTheWholeAnswerAndNothingIsCounted() {
        EngineJob job = prompts(words()).prepare(attempt(1, Transcript.EMPTY, null));
        assertThat(job.prompt()).isEqualTo(PROMPT);
        assertThat(job.maxTokens()).isEqualTo(10);
        assertThat(counted).isEmpty();
    }

    @Test
    void theTokensOfTheTextSoFarAreThoseOfTheWholeLessThoseOfThePrompt() {
        EngineJob job = prompts(words()).prepare(attempt(2, new Transcript(" one two three", 2), null));
        assertThat(counted).containsExactly(PROMPT, PROMPT + " one two three");
        assertThat(job.maxTokens()).as("10 less the 3 that were counted").isEqualTo(7);
        assertThat(job.attempt()).isEqualTo(2);
        assertThat(job.prompt()).isEqualTo(PROMPT + " one two three");
    }

    @Test
    void withoutATokenizerEachEventCountsAsOneToken() {
        assertThat(prompts(TokenCounter.NONE)
                        .prepare(attempt(2, new Transcript(" one two three", 2), null))
                        .maxTokens())
                .isEqualTo(8);
    }

    @Test
    void aTokenizerThatCannotSayHalfOfItIsAsGoodAsNone() {
        for (boolean prompt : new boolean[] {true, false}) {
            TokenCounter half = text -> text.equals(PROMPT) == prompt ? OptionalInt.of(5) : OptionalInt.empty();
            assertThat(prompts(half)
                            .prepare(attempt(2, new Transcript(" one two three", 2), null))
                            .maxTokens())
                    .isEqualTo(8);
        }
    }

    @Test
    void anEngineIsNotAskedWhenTheTokensAreUsedUp() {
        String ten = " one".repeat(10);
        assertThat(prompts(words()).prepare(attempt(2, new Transcript(ten, 1), null)))
                .isNull();
        assertThat(prompts(words()).prepare(attempt(2, new Transcript(ten + " more", 1), null)))
                .as("an answer in which two tokens became three when it was read again")
                .isNull();
        assertThat(prompts(TokenCounter.NONE).prepare(attempt(2, new Transcript(ten, 10), null)))
                .isNull();
        assertThat(prompts(words())
                        .prepare(attempt(2, new Transcript(" one".repeat(9), 1), null))
                        .maxTokens())
                .isEqualTo(1);
    }

    @Test
    void aLaterAttemptThatHasNoTextYetIsAskedForAllOfIt() {
        assertThat(prompts(words()).prepare(attempt(3, Transcript.EMPTY, null)).maxTokens())
                .isEqualTo(10);
        assertThat(counted).isEmpty();
    }

    @Test
    void theEngineHasTheTimeThatTheJobHas() {
        assertThat(prompts(words()).prepare(attempt(1, Transcript.EMPTY, null)).timeLeft())
                .isNull();
        assertThat(prompts(words())
                        .prepare(attempt(1, Transcript.EMPTY, 3_600_000L))
                        .timeLeft())
                .isPositive()
                .isLessThanOrEqualTo(Duration.ofHours(1));
        assertThat(prompts(words()).prepare(attempt(1, Transcript.EMPTY, 0L)).timeLeft())
                .isZero();
        assertThat(prompts(words()).prepare(attempt(1, Transcript.EMPTY, -5L)).timeLeft())
                .isZero();
    }

    private static Prompts prompts(TokenCounter counter) {
        return new Prompts(ChatTemplate.CHATML, counter);
    }

    /** A word is a token. */
    private TokenCounter words() {
        return text -> {
            counted.add(text);
            return OptionalInt.of(text.strip().split(" ").length);
        };
    }

    private static Attempt attempt(int number, Transcript soFar, Long leftMs) {
        return new Attempt(
                new Started("job", number, 5, "{}", 1, 1, 0, leftMs),
                new JobRequest("job", "m", "Write", null, 10, null, null, null, null, null, null, null, null),
                soFar);
    }
}
