package io.flux.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Set;

/**
 * What a JSON schema or a grammar may ask an engine to build. llama.cpp writes a repetition out, element by element, before
 * the first token: 130 bytes with {@code minItems} of two thousand millions take all memory of the machine. So each
 * repetition is bounded, and so is what all of them come to, counted as llama.cpp builds them; and so is nesting, which it
 * follows by recursion.
 */
final class ConstraintBounds {
    /** Of one repetition: in a schema its numbers, in a grammar or a pattern those in braces. */
    static final int MAX_REPETITIONS = 10_000;
    /** Elements that all repetitions come to; they take an engine some 10 MB. */
    static final int MAX_ELEMENTS = 100_000;
    /** Of groups, one in another. */
    static final int MAX_GROUPS = 100;

    private static final Set<String> COUNTS =
            Set.of("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties");
    private static final int MAX_PATH = 100;

    private final String field;
    private long elements;

    private ConstraintBounds(String field) {
        this.field = field;
    }

    /** A rule that is broken. */
    static final class Broken extends Exception {
        private static final long serialVersionUID = 1L;

        private final String field;

        private Broken(String field, String rule) {
            super(field + " " + rule, null, false, false);
            this.field = field;
        }

        /** The field that breaks it. */
        String field() {
            return field;
        }
    }

    /**
     * Checks a JSON schema that is nested at most as deep as recursion may follow.
     *
     * @param field its name in the request
     */
    static void checkSchema(String field, JsonNode schema) throws Broken {
        new ConstraintBounds(field).schema(field, schema);
    }

    /** Checks a grammar in GBNF. */
    static void checkGrammar(String field, String grammar) throws Broken {
        new ConstraintBounds(field).rules(field, grammar, false);
    }

    /** Everywhere, since a {@code $ref} may make a schema of any part. */
    private void schema(String path, JsonNode node) throws Broken {
        if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                schema(path + "[" + i + "]", node.get(i));
            }
        }
        for (Map.Entry<String, JsonNode> member : node.properties()) {
            String at = shortened(path + "." + member.getKey());
            JsonNode value = member.getValue();
            if (COUNTS.contains(member.getKey()) && value.isNumber()) {
                count(at, value.doubleValue());
            } else if (member.getKey().equals("pattern") && value.isTextual()) {
                rules(at, value.textValue(), true);
            } else {
                schema(at, value);
            }
        }
    }

    private static String shortened(String path) {
        return path.length() <= MAX_PATH ? path : path.substring(0, MAX_PATH) + "…";
    }

    private void count(String at, double repetitions) throws Broken {
        if (repetitions > MAX_REPETITIONS) {
            throw new Broken(at, "must be at most " + MAX_REPETITIONS);
        }
        add(Math.max(0, (long) repetitions));
    }

    private void add(long more) throws Broken {
        elements += more;
        if (elements > MAX_ELEMENTS) {
            throw new Broken(
                    field,
                    "must not repeat so much: all its repetitions together may come to " + MAX_ELEMENTS + " elements");
        }
    }

    /**
     * Goes through the symbols of a grammar, or of a regular expression, and counts what is written out. Says nothing of
     * what is malformed: the engine does.
     *
     * @param regex single characters are literals, and there are neither quotes nor comments
     */
    private void rules(String at, String text, boolean regex) throws Broken {
        int depth = 0;
        long last = 0; // elements of the symbol that a repetition would repeat
        int i = 0;
        while (i < text.length()) {
            char character = text.charAt(i);
            switch (character) {
                case '(' -> {
                    if (++depth > MAX_GROUPS) {
                        throw new Broken(at, "must nest groups at most " + MAX_GROUPS + " deep");
                    }
                    last = 0;
                    i++;
                }
                case ')' -> {
                    depth--;
                    last = 1; // a rule of its own, which is referred to
                    i++;
                }
                case '[' -> {
                    int end = closing(text, i + 1, ']');
                    last = end - i;
                    i = end + 1;
                }
                case '{' -> {
                    int end = text.indexOf('}', i);
                    if (end < 0) {
                        return;
                    }
                    last = repeated(at, text.substring(i + 1, end), last);
                    i = end + 1;
                }
                case '*', '?' -> {
                    add(last + 1);
                    last = 1;
                    i++;
                }
                case '+' -> {
                    add(last + 1);
                    last++;
                    i++;
                }
                case '|' -> {
                    last = 0;
                    i++;
                }
                default -> {
                    if (regex) {
                        last = 1;
                        i += character == '\\' ? 2 : 1;
                    } else if (character == '"') {
                        int end = closing(text, i + 1, '"');
                        last = end - i;
                        i = end + 1;
                    } else if (character == '#') {
                        int end = text.indexOf('\n', i);
                        i = end < 0 ? text.length() : end + 1;
                    } else {
                        // Before a repetition there may be blanks, and lines in a group.
                        last = Character.isWhitespace(character) ? last : 1;
                        i++;
                    }
                }
            }
        }
    }

    /** Where a literal or a class of characters ends: what is escaped does not end it. */
    private static int closing(String text, int from, char end) {
        int i = from;
        while (i < text.length() && text.charAt(i) != end) {
            i += text.charAt(i) == '\\' ? 2 : 1;
        }
        return Math.min(i, text.length());
    }

    /** Counts {@code m}, {@code m,} or {@code m,n} times that many elements; returns how many stand there then. */
    private long repeated(String at, String braces, long size) throws Broken {
        String[] bounds = braces.split(",", 2);
        long least = number(at, bounds[0]);
        long most = bounds.length == 1 ? least : number(at, bounds[1]);
        add(size * least + Math.max(1, most - least) * (size + 1));
        return size * least + 1;
    }

    /** 0 for one that is left out, or is none. */
    private static long number(String at, String text) throws Broken {
        String digits = text.strip().replaceFirst("^0+(?=\\d)", "");
        if (!digits.chars().allMatch(digit -> digit >= '0' && digit <= '9') || digits.isEmpty()) {
            return 0;
        }
        long number = digits.length() > 9 ? Long.MAX_VALUE : Long.parseLong(digits);
        if (number > MAX_REPETITIONS) {
            throw new Broken(at, "must repeat nothing more than " + MAX_REPETITIONS + " times");
        }
        return number;
    }
}
