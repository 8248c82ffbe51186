package io.flux.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopFilterTest {
    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("a", "b", "c", "\n", "🌙", "🌊", "ab")
                .list()
                .ofMaxSize(30)
                .map(parts -> String.join("", parts));
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return texts().filter(text -> !text.isEmpty() && text.length() <= 6)
                .list()
                .ofMaxSize(4);
    }

    @Property(tries = 5000)
    void theAnswerEndsBeforeTheFirstStopTextHoweverItIsCut(
            @ForAll("texts") String text, @ForAll("stops") List<String> stops, @ForAll long seed) {
        StopFilter filter = new StopFilter(stops);
        StringBuilder out = new StringBuilder();
        Pieces.of(text, seed).forEach(piece -> out.append(filter.accept(piece)));
        out.append(filter.rest());

        int end = endOfFirstStop(text, stops);
        assertThat(filter.matched()).isEqualTo(end >= 0);
        assertThat(out.toString()).isEqualTo(end < 0 ? text : text.substring(0, end - longestStopAt(text, end, stops)));
    }

    @Property
    void nothingIsHeldBackThatCannotBecomeAStopText(
            @ForAll("texts") String text, @ForAll("stops") List<String> stops, @ForAll long seed) {
        StopFilter filter = new StopFilter(stops);
        StringBuilder seen = new StringBuilder();
        StringBuilder out = new StringBuilder();
        for (String piece : Pieces.of(text, seed)) {
            seen.append(piece);
            out.append(filter.accept(piece));
            if (filter.matched()) {
                break;
            }
            assertThat(seen.length() - out.length()).isEqualTo(Pieces.necessaryHoldback(seen.toString(), stops));
        }
    }

    @Test
    void aStopTextIsFoundWhereverItIsCut() {
        String text = "Salt and foam.\nUser: more";
        for (int cut = 0; cut <= text.length(); cut++) {
            StopFilter filter = new StopFilter(List.of("\nUser:"));
            String out = filter.accept(text.substring(0, cut)) + filter.accept(text.substring(cut)) + filter.rest();
            assertThat(out).as("cut at %d", cut).isEqualTo("Salt and foam.");
            assertThat(filter.matched()).isTrue();
        }
    }

    @Test
    void aTextWithoutStopTextsPassesUntouched() {
        StopFilter filter = new StopFilter(List.of());
        assertThat(filter.accept("a\n\n")).isEqualTo("a\n\n");
        assertThat(filter.rest()).isEmpty();
    }

    private static int endOfFirstStop(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            if (longestStopAt(text, end, stops) > 0) {
                return end;
            }
        }
        return -1;
    }

    private static int longestStopAt(String text, int end, List<String> stops) {
        return stops.stream()
                .filter(stop -> text.substring(0, end).endsWith(stop))
                .mapToInt(String::length)
                .max()
                .orElse(0);
    }
}
