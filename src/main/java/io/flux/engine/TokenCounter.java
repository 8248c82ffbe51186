package io.flux.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Counts a text's tokens as the engine's model sees them. Thread-safe; may block for as long as an engine takes to start. */
public interface TokenCounter {
    /** For engines whose tokenizer cannot be asked. */
    TokenCounter NONE = text -> OptionalInt.empty();

    /** The number of tokens, special ones included; empty when it cannot be told. */
    OptionalInt count(String text);

    /** The numbers of tokens of several texts, each by itself; an empty list when one of them cannot be told. */
    default List<Integer> counts(List<String> texts) {
        List<Integer> counts = new ArrayList<>();
        for (String text : texts) {
            OptionalInt count = count(text);
            if (count.isEmpty()) {
                return List.of();
            }
            counts.add(count.getAsInt());
        }
        return counts;
    }
}
