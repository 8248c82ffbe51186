package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.job.ChatTemplate;
import io.flux.job.Requests;
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
        Completion completion = prompts(words()).prepare(job(1, Transcript.EMPTY));
        assertThat(completion.prompt()).isEqualTo(PROMPT);
        assertThat(completion.maxTokens()).isEqualTo(10);
        assertThat(counted).isEmpty();
    }

    @Test
    void theTokensOfTheTextSoFarAreThoseOfTheWholeLessThoseOfThePrompt() {
        Completion completion = prompts(words()).prepare(job(2, new Transcript(" one two three", 2)));
        assertThat(counted).containsExactly(PROMPT, PROMPT + " one two three");
        assertThat(completion.maxTokens()).as("10 less the 3 that were counted").isEqualTo(7);
        assertThat(completion.prompt()).isEqualTo(PROMPT + " one two three");
    }

    @Test
    void withoutATokenizerEachEventCountsAsOneToken() {
        assertThat(prompts(TokenCounter.NONE)
                        .prepare(job(2, new Transcript(" one two three", 2)))
                        .maxTokens())
                .isEqualTo(8);
    }

    @Test
    void aTokenizerThatCannotSayHalfOfItIsAsGoodAsNone() {
        for (boolean prompt : new boolean[] {true, false}) {
            TokenCounter half = text -> text.equals(PROMPT) == prompt ? OptionalInt.of(5) : OptionalInt.empty();
            assertThat(prompts(half)
                            .prepare(job(2, new Transcript(" one two three", 2)))
                            .maxTokens())
                    .isEqualTo(8);
        }
    }

    @Test
    void anEngineIsNotAskedWhenTheTokensAreUsedUp() {
        String ten = " one".repeat(10);
        assertThat(prompts(words()).prepare(job(2, new Transcript(ten, 1)))).isNull();
        assertThat(prompts(words()).prepare(job(2, new Transcript(ten + " more", 1))))
                .as("an answer in which two tokens became three when it was read again")
                .isNull();
        assertThat(prompts(TokenCounter.NONE).prepare(job(2, new Transcript(ten, 10))))
                .isNull();
        assertThat(prompts(words())
                        .prepare(job(2, new Transcript(" one".repeat(9), 1)))
                        .maxTokens())
                .isEqualTo(1);
    }

    @Test
    void aLaterAttemptThatHasNoTextYetIsAskedForAllOfIt() {
        assertThat(prompts(words()).prepare(job(3, Transcript.EMPTY)).maxTokens())
                .isEqualTo(10);
        assertThat(counted).isEmpty();
    }

    private static Prompts prompts(TokenCounter counter) {
        return new Prompts(model -> ChatTemplate.CHATML, model -> counter);
    }

    /** A word is a token. */
    private TokenCounter words() {
        return text -> {
            counted.add(text);
            return OptionalInt.of(text.strip().split(" ").length);
        };
    }

    private static EngineJob job(int number, Transcript soFar) {
        return new EngineJob(Requests.prompt("job", "m", "Write", 10), number, soFar, null);
    }
}
