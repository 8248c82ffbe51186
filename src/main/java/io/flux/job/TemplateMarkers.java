package io.flux.job;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The texts that a model reads as structure and not as words: {@code <|im_end|>}, {@code [INST]}, {@code <end_of_turn>}.
 * A server reads them wherever they stand in a prompt, so that a user could end their own turn and speak as the system;
 * so they are taken out of what users write. Immutable.
 */
public final class TemplateMarkers {
    /**
     * Of all models, under every template: which markers a model knows is its vocabulary's matter and not its template's, and
     * a template may make one of parts ({@code '<|' + role + '|>'}). With a bar on one side at least, where the other bar
     * is DeepSeek's; and those of Llama 2, Mistral and Gemma, which have none.
     */
    private static final String GENERAL =
            "<[|\\uFF5C][^|\\uFF5C<>\\s]{1,64}[|\\uFF5C]?>|<[^|\\uFF5C<>\\s]{1,64}[|\\uFF5C]>"
                    + "|\\[\\|[^|\\[\\]\\s]{1,64}\\|\\]"
                    + "|</?s>|<(?:bos|eos|pad|unk|mask|(?:start|end)_of_[a-z_]{1,32})>|<</?SYS>>"
                    + "|\\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]{1,16})\\]";

    private static final TemplateMarkers OF_ALL_MODELS = new TemplateMarkers(Set.of());

    /** What looks like a marker in a template: a tag, or a word of capitals in brackets. */
    private static final Pattern LIKE_A_MARKER =
            Pattern.compile("</?[A-Za-z][A-Za-z0-9_]*>|<</?[A-Z]+>>|\\[/?[A-Z][A-Z_]*\\]|\\[gMASK\\]");

    private final Pattern markers;

    private TemplateMarkers(Set<String> literals) {
        this.markers = Pattern.compile(literals.stream()
                        .map(Pattern::quote)
                        .collect(Collectors.joining("|", "", literals.isEmpty() ? "" : "|"))
                + GENERAL);
    }

    /** Those of all models, for one of which no template is known. */
    static TemplateMarkers ofAllModels() {
        return OF_ALL_MODELS;
    }

    /**
     * The markers of a model.
     *
     * @param template its chat template, in Jinja
     * @param tokens the texts of its tokens that begin and end a text; may be empty
     */
    public static TemplateMarkers of(String template, String... tokens) {
        Set<String> literals = new TreeSet<>();
        for (String token : tokens) {
            // One with a space in it would still be one after it was broken.
            if (token.length() > 1 && token.chars().noneMatch(Character::isWhitespace)) {
                literals.add(token);
            }
        }
        Matcher matcher = LIKE_A_MARKER.matcher(template);
        while (matcher.find()) {
            literals.add(matcher.group());
        }
        return new TemplateMarkers(literals);
    }

    /** A user's text with no marker in it: a space after a marker's first character makes it words. */
    public String plain(String content) {
        String text = content;
        // Once more for a marker that begins in another.
        for (Matcher matcher = markers.matcher(text); matcher.find(); matcher = markers.matcher(text)) {
            text = matcher.replaceAll(match -> Matcher.quoteReplacement(
                    match.group().charAt(0) + " " + match.group().substring(1)));
        }
        return text;
    }
}
