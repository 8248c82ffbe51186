package io.flux.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@link PacedEngine} is asked to write: the numbers from 1 on, one for each token, so many a second. A token has five
 * characters: a space, as most tokens of a model begin with one, and four digits to the base 36. Whoever asked knows each byte of
 * the answer beforehand.
 *
 * @param tokens 1 to {@value #MOST}
 * @param perSecond 0 for as many as the engine can write
 * @param name under which the engine notes when it wrote each token: letters, digits and dashes; empty for not at all
 */
public record Story(int tokens, int perSecond, String name) implements Question {
    /** Bytes of a token, and characters. */
    static final int TOKEN = 5;

    private static final int BASE = 36;
    private static final int DIGITS = TOKEN - 1;
    /** What four digits can count. */
    static final int MOST = 1_679_615;

    private static final Pattern PROMPT =
            Pattern.compile("Count to (\\d{1,7}), (\\d{1,7}) a second(?:, as ([a-zA-Z0-9-]+))?\\.\n");

    /**
     * A prompt with what earlier attempts wrote behind it.
     *
     * @param soFar empty for the first attempt
     */
    record Asked(Story story, String soFar) {}

    public Story {
        if (tokens < 1 || tokens > MOST || perSecond < 0) {
            throw new IllegalArgumentException("a story has 1 to " + MOST
                    + " tokens, and its pace is not negative, which is not so with " + tokens + " and " + perSecond);
        }
    }

    /** One whose engine notes no times. */
    public Story(int tokens, int perSecond) {
        this(tokens, perSecond, "");
    }

    @Override
    public String prompt() {
        return "Count to " + tokens + ", " + perSecond + " a second" + (name.isEmpty() ? "" : ", as " + name) + ".\n";
    }

    @Override
    public boolean goesOn(int position, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (position + i >= length() || text.charAt(i) != character(position + i)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean isWhole(int position) {
        return position == length();
    }

    /** Characters of the whole answer. */
    int length() {
        return tokens * TOKEN;
    }

    /** The character of the answer at a position, 0 for the first. */
    static char character(int position) {
        int number = position / TOKEN + 1;
        int digit = position % TOKEN;
        if (digit == 0) {
            return ' ';
        }
        for (int i = digit; i < DIGITS; i++) {
            number /= BASE;
        }
        return Character.forDigit(number % BASE, BASE);
    }

    /**
     * What an engine was asked.
     *
     * @throws IllegalArgumentException when it is no story, or what is written already is not its beginning
     */
    static Asked asked(String prompt) {
        Matcher matcher = PROMPT.matcher(prompt);
        if (!matcher.lookingAt()) {
            throw new IllegalArgumentException(
                    "the paced engine only knows prompts such as: Count to 300, 20 a second.");
        }
        String name = matcher.group(3) == null ? "" : matcher.group(3);
        Story story = new Story(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), name);
        String soFar = prompt.substring(matcher.end());
        if (!story.goesOn(0, soFar)) {
            throw new IllegalArgumentException("what is written already is no part of this story: " + soFar);
        }
        return new Asked(story, soFar);
    }
}
