package io.flux.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@link PacedEngine} is asked to write: the numbers from 1 on, one for each token, so many a second. Whoever asked
 * knows each byte of the answer beforehand.
 *
 * @param tokens at least 1
 * @param perSecond at least 1
 */
public record Story(int tokens, int perSecond) {
    private static final Pattern PROMPT = Pattern.compile("Count to (\\d{1,9}), (\\d{1,9}) a second\\.\n");

    /**
     * A prompt with what earlier attempts wrote behind it.
     *
     * @param soFar empty for the first attempt
     */
    record Asked(Story story, String soFar) {}

    public Story {
        if (tokens < 1 || perSecond < 1) {
            throw new IllegalArgumentException(
                    "a story needs at least one token, and one a second, not " + tokens + " and " + perSecond);
        }
    }

    /** The prompt that asks for it. */
    public String prompt() {
        return "Count to " + tokens + ", " + perSecond + " a second.\n";
    }

    /** The answer, whole. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (int token = 1; token <= tokens; token++) {
            text.append(token(token));
        }
        return text.toString();
    }

    /** One token of the answer, counted from 1. */
    String token(int number) {
        return number + " ";
    }

    /**
     * What an engine was asked.
     *
     * @throws IllegalArgumentException when it is no story
     */
    static Asked asked(String prompt) {
        Matcher matcher = PROMPT.matcher(prompt);
        if (!matcher.lookingAt()) {
            throw new IllegalArgumentException(
                    "the paced engine only knows prompts such as: Count to 300, 20 a second.");
        }
        Story story = new Story(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
        return new Asked(story, prompt.substring(matcher.end()));
    }
}
