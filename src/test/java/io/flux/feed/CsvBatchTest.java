package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flux.job.Refusal;
import java.util.List;
import org.junit.jupiter.api.Test;

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
}
