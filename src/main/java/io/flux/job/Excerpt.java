package io.flux.job;

/** What an error repeats of a text that a client sent: enough to find it again, never all of something long. */
public final class Excerpt {
    /** Characters. */
    private static final int MAX_LENGTH = 100;

    private Excerpt() {}

    /** The text, or its beginning and three dots when it is longer than 100 characters. */
    public static String of(String text) {
        return of(text, MAX_LENGTH);
    }

    /**
     * The same of another length.
     *
     * @param longest characters, those of the dots not counted
     */
    public static String of(String text, int longest) {
        if (text.length() <= longest) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest;
        return text.substring(0, end) + "...";
    }
}
