package io.flux.cli;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text for a terminal. What comes from anywhere, such as an id or an error, brings no control character with it. */
final class Plain {
    static final String INDENT = "    ";
    private static final String GAP = "  ";
    private static final Pattern LINE_END = Pattern.compile("\\r\\n?");
    private static final Pattern OBEYED = Pattern.compile("[\\p{Cc}&&[^\\n\\t]]|[\\u202A-\\u202E\\u2066-\\u2069]");

    private Plain() {}

    /** A line for each row, the first of which names the columns; all have as many cells. */
    static String table(List<List<String>> rows) {
        int last = rows.get(0).size() - 1;
        int[] widths = new int[last];
        for (List<String> row : rows) {
            for (int column = 0; column < last; column++) {
                widths[column] = Math.max(widths[column], width(row.get(column)));
            }
        }
        StringBuilder table = new StringBuilder();
        for (List<String> row : rows) {
            for (int column = 0; column < last; column++) {
                table.append(padded(row.get(column), widths[column])).append(GAP);
            }
            table.append(row.get(last)).append('\n');
        }
        return table.toString();
    }

    /** A line for each name with its value, indented. */
    static String facts(Map<String, String> facts) {
        int widest = facts.keySet().stream().mapToInt(Plain::width).max().orElse(0);
        return facts.entrySet().stream()
                .map(fact -> INDENT + padded(fact.getKey(), widest) + GAP + oneLine(fact.getValue()) + "\n")
                .collect(Collectors.joining());
    }

    static String oneLine(String text) {
        return harmless(text.strip().replaceAll("\\s+", " "));
    }

    /** Without what a terminal would obey, and without overrides of the direction of text, which show other than there is. */
    static String harmless(String text) {
        return OBEYED.matcher(LINE_END.matcher(text).replaceAll("\n")).replaceAll("\uFFFD");
    }

    static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - width(text)));
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
