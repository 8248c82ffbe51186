package io.flux.feed;

import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.text.Utf8;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of prompts and the same table with their answers: the columns that it had, then {@code answer}, {@code
 * finish_reason} and {@code error}. Thread-safe.
 */
public final class CsvBatch {
    private static final String PROMPT = "prompt";
    private static final char QUOTE = '"';
    /** Each row is a message in memory until the table is done: 6.5 KB each. */
    private static final int MAX_ROWS = 10_000;

    /** With line ends of two characters, and empty lines, which are passed over. */
    private static final int MAX_LINES = 10 * MAX_ROWS;

    private static final int MAX_COLUMNS = 1000;

    private static final int MAX_SHOWN = 200;
    private static final List<String> RESULTS = List.of("answer", "finish_reason", "error");
    /** What some programs write before the first column's name. */
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /**
     * A row.
     *
     * @param number 1 for the first one below the names of the columns
     * @param columns of the table, without those that the answers are in
     * @param values as many as columns
     * @param results empty until there are some
     */
    public record Row(int number, List<String> columns, List<String> values, List<String> results) {
        public Row {
            columns = List.copyOf(columns);
            values = List.copyOf(values);
            results = List.copyOf(results);
        }

        /** What is asked. */
        public String prompt() {
            return values.get(columns.indexOf(PROMPT));
        }

        private Row with(String answer, String finishReason, String error) {
            return new Row(number, columns, values, List.of(answer, finishReason, error));
        }
    }

    /**
     * The text of a table, whose quotes are where they may be: around a whole value, doubled inside.
     *
     * @param bytes in UTF-8, with or without a byte order mark
     * @throws Refusal when it is not; names the line and the column
     */
    public String text(byte[] bytes) {
        String text;
        try {
            text = Utf8.decode(bytes);
        } catch (Utf8.NotUtf8Exception e) {
            throw refuse("the table is not text in UTF-8: " + e.getMessage(), null);
        }
        int line = 0;
        int column = 1;
        for (int at = 0; at < text.length(); at++) {
            at = text.charAt(at) == QUOTE ? endOfQuoted(text, at) : endOfValue(text, at);
            if (at < text.length() && text.charAt(at) == ',') {
                column++;
            } else {
                line++;
                column = 1;
            }
            // Before anything is made of them.
            if (line > MAX_LINES || column > MAX_COLUMNS) {
                throw refuse(
                        "the table may have " + MAX_ROWS + " rows of " + MAX_COLUMNS + " columns, and has more at "
                                + Utf8.place(text.substring(0, at)),
                        null);
            }
        }
        return text;
    }

    /** The place of what ends a value without quotes: a comma, the end of the line or of the text. */
    private static int endOfValue(String text, int start) {
        int at = start;
        while (at < text.length() && !endsValue(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /** The place of what ends a value in quotes. */
    private static int endOfQuoted(String text, int start) {
        int close = text.indexOf(QUOTE, start + 1);
        while (close >= 0 && close + 1 < text.length() && text.charAt(close + 1) == QUOTE) {
            close = text.indexOf(QUOTE, close + 2);
        }
        if (close < 0) {
            throw refuse(
                    "the quote at " + Utf8.place(text.substring(0, start))
                            + " is not closed: a \" was expected before the end of the table; inside quotes, a quote is"
                            + " written \"\"",
                    null);
        }
        int after = close + 1;
        while (after < text.length() && isBlank(text.charAt(after))) {
            after++;
        }
        if (after < text.length() && !endsValue(text.charAt(after))) {
            throw refuse(
                    "a comma or the end of the line was expected at " + Utf8.place(text.substring(0, after))
                            + ", behind the quote that ends a value; inside quotes, a quote is written \"\"",
                    null);
        }
        return after;
    }

    private static boolean isBlank(char each) {
        return each == ' ' || each == '\t';
    }

    private static boolean endsValue(char each) {
        return each == ',' || each == '\n' || each == '\r';
    }

    /**
     * The rows of a table.
     *
     * @param table its lines, the first one with the columns' names; a line that is too short has empty values
     * @throws Refusal when there is no column {@code prompt}, a line has more values than there are columns, or there are
     *     more than 10,000 rows
     */
    public List<Row> rows(List<List<String>> table) {
        List<String> names = new ArrayList<>();
        for (String name : table.isEmpty() ? List.<String>of() : table.get(0)) {
            names.add(name.replace(BYTE_ORDER_MARK, "").strip());
        }
        List<String> columns =
                names.stream().filter(name -> !RESULTS.contains(name)).toList();
        if (!columns.contains(PROMPT)) {
            throw refuse(
                    "the first line must name the columns, and one of them must be prompt; it is: "
                            + shortened(String.join(",", names)),
                    PROMPT);
        }
        if (table.size() - 1 > MAX_ROWS) {
            throw refuse("the table has " + (table.size() - 1) + " rows, and may have " + MAX_ROWS, null);
        }
        List<Row> rows = new ArrayList<>();
        for (int number = 1; number < table.size(); number++) {
            List<String> line = table.get(number);
            if (line.size() > names.size()) {
                throw refuse(
                        "row " + number + " has " + line.size() + " values, and there are " + names.size()
                                + " columns; a value with a comma in it needs quotes",
                        PROMPT);
            }
            List<String> values = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                if (!RESULTS.contains(names.get(i))) {
                    values.add(i < line.size() ? line.get(i) : "");
                }
            }
            rows.add(new Row(number, columns, values, List.of()));
        }
        return rows;
    }

    private static Refusal refuse(String rule, String field) {
        return new Refusal(Event.Error.answer(null, "invalid_request", rule, field));
    }

    private static String shortened(String text) {
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
    }

    /** The row with its answer. */
    public Row answered(Row row, String answer, String finishReason) {
        return row.with(answer, finishReason, "");
    }

    /** The row with the reason why it has no answer. */
    public Row failed(Row row, String reason) {
        return row.with("", "", reason);
    }

    /** The lines of the table of answers, the columns' names first. */
    public List<List<String>> table(List<Row> answered) {
        List<List<String>> table = new ArrayList<>();
        for (Row row : answered) {
            if (table.isEmpty()) {
                table.add(joined(row.columns(), RESULTS));
            }
            table.add(joined(row.values(), row.results()));
        }
        return table;
    }

    private static List<String> joined(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
