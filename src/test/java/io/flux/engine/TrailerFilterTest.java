package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class TrailerFilterTest {
    private static final String END_OF_TEXT = " [end of text]\n\n\n";
    private static final List<String> TRAILERS = List.of(END_OF_TEXT, "\n\n");

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("a", "\n", " ", "[", " [end", " [end of text]", " [end of text]\n", "🌙")
                .list()
                .ofMaxSize(20)
                .map(parts -> String.join("", parts));
    }

    @Property(tries = 5000)
    void aTextThatTheModelEndedComesOutWithoutTheMark(@ForAll("texts") String text, @ForAll long seed) {
        TrailerFilter filter = new TrailerFilter();
        assertThat(run(filter, text + END_OF_TEXT, seed)).isEqualTo(text);
    }

    @Property(tries = 5000)
    void aTextThatTheBudgetEndedLosesTheTwoNewlinesOnly(@ForAll("texts") String text, @ForAll long seed) {
        // These cannot be told from a text that the model ended.
        Assume.that(!text.endsWith(" [end of text]") && !text.endsWith(" [end of text]\n"));
        TrailerFilter filter = new TrailerFilter();
        assertThat(run(filter, text + "\n\n", seed)).isEqualTo(text);
    }

    @Property
    void nothingIsHeldBackThatCannotBecomeTheTrailer(@ForAll("texts") String text, @ForAll long seed) {
        TrailerFilter filter = new TrailerFilter();
        StringBuilder seen = new StringBuilder();
        StringBuilder out = new StringBuilder();
        for (String piece : Pieces.of(text, seed)) {
            seen.append(piece);
            out.append(filter.accept(piece));
            assertThat(seen.length() - out.length()).isEqualTo(Pieces.necessaryHoldback(seen.toString(), TRAILERS));
            assertThat(seen.toString()).startsWith(out.toString());
        }
    }

    @Test
    void theTwoEndsAreToldApart() {
        TrailerFilter byModel = new TrailerFilter();
        byModel.accept("foam." + END_OF_TEXT);
        assertThat(byModel.endOfText()).isTrue();
        assertThat(byModel.whole()).isTrue();

        TrailerFilter byBudget = new TrailerFilter();
        byBudget.accept("foam.\n\n");
        assertThat(byBudget.endOfText()).isFalse();
        assertThat(byBudget.whole()).isTrue();
    }

    @Test
    void aCutOutputIsNotWhole() {
        for (String cut : List.of("", "foam", "foam\n", "foam [end of t", "foam [end of text]")) {
            TrailerFilter filter = new TrailerFilter();
            filter.accept(cut);
            assertThat(filter.whole()).as(cut).isFalse();
        }
    }

    private static String run(TrailerFilter filter, String output, long seed) {
        StringBuilder out = new StringBuilder();
        Pieces.of(output, seed).forEach(piece -> out.append(filter.accept(piece)));
        assertThat(filter.whole()).isTrue();
        return out.append(filter.rest()).toString();
    }
}
