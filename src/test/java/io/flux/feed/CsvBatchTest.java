package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flux.job.Refusal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvBatchTest {
    private final CsvBatch batch = new CsvBatch();

    @Test
    void aTableComesBackWithItsColumnsAndTheAnswers() {
        List<CsvBatch.Row> rows = batch.rows(
                List.of(List.of("\uFEFFid", " prompt ", "answer"), List.of("1", "Hello", "old"), List.of("2")));
        assertThat(rows).extracting(CsvBatch.Row::prompt).containsExactly("Hello", "");
        assertThat(batch.table(List.of(
                        batch.answered(rows.get(0), "Hi", "stop"), batch.failed(rows.get(1), "prompt is empty"))))
                .containsExactly(
                        List.of("id", "prompt", "answer", "finish_reason", "error"),
                        List.of("1", "Hello", "Hi", "stop", ""),
                        List.of("2", "", "", "", "prompt is empty"));
    }

    @Test
    void aTableWithoutPromptsOrWithTooManyValuesIsRefused() {
        assertThatThrownBy(() -> batch.rows(List.of()))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("the first line must name the columns");
        assertThatThrownBy(() -> batch.rows(List.of(List.of("prompt"), List.of("Hello", "you"))))
                .isInstanceOf(Refusal.class)
                .hasMessage("row 1 has 2 values, and there are 1 columns; a value with a comma in it needs quotes");
    }

    private String text(String table) {
        return batch.text(table.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "prompt",
                "\"prompt\",\"id\"\r\n\"Write a \"\"poem\"\", please\",\"1\"\r\n",
                "prompt\n\"two\nlines\"\n",
                "prompt,id\n\"\",\n,\n",
                "prompt,id\n5\" pipe,1\n",
                "prompt\n\"spaces behind\"  \n",
                "prompt\n\"\"\"\"\n",
            })
    void aTableWhoseQuotesAreClosedIsTaken(String table) throws IOException {
        assertThat(text("\uFEFF" + table)).isEqualTo(table);
        assertThat(CSVParser.parse(table, CSVFormat.DEFAULT).getRecords())
                .as("as the parser of the next step does")
                .isNotNull();
    }

    @Test
    void aQuoteThatIsNotClosedOrStraySaysWhere() {
        assertThatThrownBy(() -> text("prompt,id\n\"Hello,1\nBye,2\n"))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("the quote at line 2, column 1 is not closed: a \" was expected");
        assertThatThrownBy(() -> text("id,prompt\n1,\"Say \"hi\" now\"\n"))
                .isInstanceOf(Refusal.class)
                .hasMessageStartingWith("a comma or the end of the line was expected at line 2, column 9,");
    }

    @Test
    void aTableInAnotherEncodingSaysSoAndWhere() {
        assertThatThrownBy(() -> batch.text("prompt\nGru\u00DF\n".getBytes(StandardCharsets.ISO_8859_1)))
                .hasMessage("the table is not text in UTF-8: byte 0xDF at line 2, column 4 is not UTF-8");
        assertThatThrownBy(() -> batch.text("prompt\nHello\n".getBytes(StandardCharsets.UTF_16)))
                .hasMessage("the table is not text in UTF-8: it is UTF-16 or UTF-32, and must be UTF-8");
    }

    @Test
    void aTableWithMoreRowsThanMemoryIsForIsRefused() {
        List<List<String>> table = new ArrayList<>(Collections.nCopies(10_002, List.of("x")));
        table.set(0, List.of("prompt"));
        assertThatThrownBy(() -> batch.rows(table)).hasMessage("the table has 10001 rows, and may have 10000");
        assertThat(batch.rows(table.subList(0, 10_001))).hasSize(10_000);
    }

    @Test
    void linesAndColumnsAreCountedBeforeAnythingIsMadeOfThem() {
        assertThatThrownBy(() -> text("prompt\n" + "\n".repeat(4_000_000)))
                .hasMessageStartingWith("the table may have 10000 rows of 1000 columns, and has more at line 1000");
        assertThatThrownBy(() -> text("prompt" + ",".repeat(4_000_000)))
                .hasMessageStartingWith("the table may have 10000 rows of 1000 columns, and has more at line 1,");
    }
}
