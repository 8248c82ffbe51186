package io.flux.engine;

import java.util.List;

/**
 * Takes off what llama-completion writes after the text: two newlines, or {@code " [end of text]"} and three when the
 * model ended by itself (measured with build 11669; two are taken for three). Holds back only an end that may still be
 * that. For one thread.
 *
 * <p>A text that itself ends like the longer trailer cannot be told from it.
 */
final class TrailerFilter {
    private static final String MARK = " [end of text]";
    private static final String NEWLINES = "\n\n";
    private static final List<String> TRAILERS = List.of(MARK + "\n" + NEWLINES, NEWLINES);

    private String held = "";

    /** Takes the next piece and returns what is certain to be text. */
    String accept(String piece) {
        if (piece.isEmpty()) {
            return piece;
        }
        String text = held + piece;
        int safe = text.length() - Holdback.suffixLength(text, TRAILERS);
        held = text.substring(safe);
        return text.substring(0, safe);
    }

    /** Whether the model has ended the text by itself, as far as was written. */
    boolean endOfText() {
        // The newline too: without it the mark may be cut out of a longer text.
        return held.startsWith(MARK + "\n");
    }

    /** Whether what was written so far can be a whole output. */
    boolean whole() {
        return endOfText() || held.endsWith(NEWLINES);
    }

    /** The output is whole: what was held back without the trailer. */
    String rest() {
        String rest = endOfText() ? "" : held.substring(0, Math.max(0, held.length() - NEWLINES.length()));
        held = "";
        return rest;
    }
}
