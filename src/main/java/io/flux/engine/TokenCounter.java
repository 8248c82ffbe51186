package io.flux.engine;

import java.util.OptionalInt;

/** Counts a text's tokens as the engine's model sees them. Thread-safe; may block for as long as an engine takes to start. */
public interface TokenCounter {
    /** For engines whose tokenizer cannot be asked. */
    TokenCounter NONE = text -> OptionalInt.empty();

    /** The number of tokens, special ones included; empty when it cannot be told. */
    OptionalInt count(String text);
}
