package io.flux.feed;

import io.flux.job.Event;
import io.flux.job.Refusal;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of prompts and the same table with their answers: the columns that it had, then {@code answer}, {@code
 * finish_reason} and {@code error}. Thread-safe.
 */
public final class CsvBatch {
    private static final String PROMPT = "prompt";
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
     * The rows of a table.
     *
     * @param table its lines, the first one with the columns' names; a line that is too short has empty values
     * @throws Refusal when there is no column {@code prompt}, or a line has more values than there are columns
     */
    public List<Row> rows(List<List<String>> table) {
        List<String> names = new ArrayList<>();
        for (String name : table.isEmpty() ? List.<String>of() : table.get(0)) {
            names.add(name.replace(BYTE_ORDER_MARK, "").strip());
        }
        List<String> columns =
                names.stream().filter(name -> !RESULTS.contains(name)).toList();
        if (!columns.contains(PROMPT)) {
            throw refuse("the first line must name the columns, and one of them must be prompt; it is: "
                    + String.join(",", names));
        }
        List<Row> rows = new ArrayList<>();
        for (int number = 1; number < table.size(); number++) {
            List<String> line = table.get(number);
            if (line.size() > names.size()) {
                throw refuse("row " + number + " has " + line.size() + " values, and there are " + names.size()
                        + " columns; a value with a comma in it needs quotes");
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

    private static Refusal refuse(String rule) {
        return new Refusal(Event.Error.answer(null, "invalid_request", rule, PROMPT));
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
