package io.flux.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultNamesTest {
    @TempDir
    Path folder;

    private ResultNames names;

    @BeforeEach
    void folders() throws IOException {
        Files.createDirectory(folder.resolve("done"));
        names = new ResultNames(folder, folder.resolve("done"), folder, "answer", "txt");
    }

    private void is(String file) throws IOException {
        Files.writeString(folder.resolve(file), "there");
    }

    @Test
    void onlyTheLastExtensionCounts() {
        assertThat(names.of("report.2025.txt", "x")).isEqualTo("report.2025.answer.txt");
        assertThat(names.of("report.2026.txt", "x")).isEqualTo("report.2026.answer.txt");
        assertThat(names.of("q.v1.json", "x")).isEqualTo("q.v1.answer.txt");
        assertThat(names.of("a..txt", "x")).isEqualTo("a..answer.txt");
    }

    @Test
    void questionsThatDifferInTheirExtensionHaveTwoAnswersWhicheverIsAnsweredFirst() throws IOException {
        is("a.txt");
        is("a.json");
        assertThat(names.of("a.txt", "x")).isEqualTo("a.answer-txt.txt");
        assertThat(names.of("a.json", "x")).isEqualTo("a.answer-json.txt");
        is("b.TXT");
        is("done/b.txt");
        assertThat(names.of("b.TXT", "x")).isEqualTo("b.answer-TXT.txt");
    }

    @Test
    void anAnswerOfAQuestionThatIsNotThereAnyMoreIsKept() throws IOException {
        is("a.answer.txt");
        assertThat(names.of("a.json", "another")).isEqualTo("a.answer-json.txt");
        assertThat(names.of("a.json", "there"))
                .as("stored, and delivered again")
                .isEqualTo("a.answer.txt");
        is("done/a.json");
        assertThat(names.of("a.json", "another")).as("asked again").isEqualTo("a.answer.txt");
        is("a.answer-json.txt");
        assertThat(names.of("a.json", "another"))
                .as("what it was called once it is called again")
                .isEqualTo("a.answer-json.txt");
    }
}
