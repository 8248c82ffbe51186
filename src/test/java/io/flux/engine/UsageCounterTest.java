package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flux.job.ChatTemplate;
import io.flux.job.Requests;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every answer has its numbers of tokens, and it is said where they are an estimate. */
class UsageCounterTest {
    private static final Transcript NOTHING = Transcript.EMPTY;
    private static final Transcript THREE = new Transcript("one two three", 2);

    private final List<String> counted = new ArrayList<>();

    @Test
    void anEngineThatHasCountedIsBelieved() {
        assertThat(usage(words(), NOTHING, FinishReason.STOP, 12, 7, " and foam", 2))
                .isEqualTo(new UsageCounter.Usage(12, 7, false));
        assertThat(counted).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = FinishReason.class,
            names = {"STOP", "LENGTH"})
    void aTextWhoseEngineWasKilledAtAStopTextIsCountedByTheTokenizer(FinishReason finish) {
        assertThat(usage(words(), NOTHING, finish, null, null, " and foam", 1))
                .isEqualTo(new UsageCounter.Usage(2, 2, false));
        assertThat(counted).containsExactly("Write a", "Write a and foam");
    }

    @ParameterizedTest
    @EnumSource(
            value = FinishReason.class,
            names = {"CANCELLED", "DEADLINE"})
    void aCancelIsNotHeldUpByATokenizer(FinishReason finish) {
        assertThat(usage(words(), NOTHING, finish, null, null, "123456789", 1))
                .isEqualTo(new UsageCounter.Usage(2, 3, true));
        assertThat(counted).isEmpty();
    }

    @Test
    void withoutATokenizerFourBytesAreATokenAndAnEventAtLeastOne() {
        assertThat(usage(TokenCounter.NONE, NOTHING, FinishReason.STOP, null, null, "123456789", 1))
                .isEqualTo(new UsageCounter.Usage(2, 3, true));
        assertThat(usage(TokenCounter.NONE, NOTHING, FinishReason.STOP, null, null, "1234", 4))
                .isEqualTo(new UsageCounter.Usage(2, 4, true));
        assertThat(usage(TokenCounter.NONE, NOTHING, FinishReason.STOP, null, null, "", 0))
                .isEqualTo(new UsageCounter.Usage(2, 0, true));
        assertThat(usage(text -> OptionalInt.empty(), NOTHING, FinishReason.STOP, null, null, "1234", 1))
                .as("a tokenizer that fails")
                .isEqualTo(new UsageCounter.Usage(2, 1, true));
    }

    @Test
    void anEstimateIsNeverAboveWhatTheRequestAllows() {
        assertThat(usage(TokenCounter.NONE, NOTHING, FinishReason.LENGTH, null, null, "x".repeat(400), 1))
                .isEqualTo(new UsageCounter.Usage(2, 10, true));
    }

    @Test
    void aCountThatTheEngineHasSaidIsKeptBesideAnEstimate() {
        assertThat(usage(TokenCounter.NONE, NOTHING, FinishReason.STOP, null, 5, "x", 1))
                .isEqualTo(new UsageCounter.Usage(2, 5, true));
    }

    @Test
    void whatAnEarlierAttemptWroteBelongsToTheAnswerAndNotToThePrompt() {
        assertThat(usage(words(), THREE, FinishReason.STOP, 5, 2, " four five", 2))
                .as("5 of prompt and earlier text, 2 more; the prompt has 2")
                .isEqualTo(new UsageCounter.Usage(2, 5, false));
        assertThat(usage(TokenCounter.NONE, THREE, FinishReason.STOP, 20, 2, " four five", 2))
                .as("13 bytes are 4 tokens")
                .isEqualTo(new UsageCounter.Usage(16, 6, true));
        assertThat(usage(TokenCounter.NONE, THREE, FinishReason.CANCELLED, null, null, "", 0))
                .isEqualTo(new UsageCounter.Usage(2, 4, true));
    }

    private static UsageCounter.Usage usage(
            TokenCounter counter,
            Transcript soFar,
            FinishReason finish,
            Integer prompt,
            Integer completion,
            String written,
            int events) {
        return new UsageCounter(model -> ChatTemplate.named("none"), model -> counter)
                .of(
                        new EngineJob(Requests.prompt("job", "m", "Write a", 10), 1, soFar, null),
                        new EngineEnd(finish, null, 0, prompt, completion, ""),
                        written,
                        events);
    }

    /** A word is a token. */
    private TokenCounter words() {
        return text -> {
            counted.add(text);
            return OptionalInt.of(text.strip().split("\\s+").length);
        };
    }
}
