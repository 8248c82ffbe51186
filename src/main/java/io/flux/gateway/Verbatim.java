package io.flux.gateway;

/**
 * A text of a client that Camel would read as something else: where a step passes a header to a bean, the word
 * {@code null} becomes nothing and quotes around a text are taken off, but only of a {@link String}. Everything that
 * converts this one to a string gets the text as it was sent.
 */
record Verbatim(String text) {

    /** The text itself, where Camel passes it as it is; else one of these. */
    static Object of(String text) {
        return text.equals("null") || isQuoted(text) ? new Verbatim(text) : text;
    }

    private static boolean isQuoted(String text) {
        String stripped = text.strip();
        return stripped.startsWith("'") || stripped.startsWith("\"");
    }

    @Override
    public String toString() {
        return text;
    }
}
