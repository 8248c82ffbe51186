package io.flux.feed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What the file with the answer to a question is called. Only the last extension of the question's name counts: {@code
 * report.2025.txt} has {@code report.2025.answer.txt}. Where that could be another question's, since the two differ in
 * their extension only, the extension is in the name too, {@code a.answer-txt.txt} and {@code a.answer-json.txt}, so that no
 * answer replaces that of another question. Thread-safe; blocks for the file system.
 */
public final class ResultNames {
    private static final List<String> EXTENSIONS = List.of("txt", "json", "csv");

    private final Path questions;
    private final Path done;
    private final Path results;
    private final String kind;
    private final String extension;

    /**
     * @param questions the folder of those that are not answered
     * @param done the folder of those that are
     * @param results the folder of what is named here
     * @param kind {@code answer}
     * @param extension of what is named here
     */
    public ResultNames(Path questions, Path done, Path results, String kind, String extension) {
        this.questions = questions;
        this.done = done;
        this.results = results;
        this.kind = kind;
        this.extension = extension;
    }

    /**
     * The name for the result of a question.
     *
     * @param name of the question's file
     * @param content of the result; null when an older one of that name may be replaced, whichever question's it is
     */
    public String of(String name, String content) {
        int dot = name.lastIndexOf('.');
        String stem = name.substring(0, dot);
        String plain = stem + "." + kind + "." + extension;
        String distinct = stem + "." + kind + "-" + name.substring(dot + 1) + "." + extension;
        boolean taken = exists(results.resolve(distinct))
                || siblings(name, stem).anyMatch(sibling -> exists(questions.resolve(sibling)))
                // A question moves from there to here: one that was not there is here.
                || siblings(name, stem).anyMatch(sibling -> exists(done.resolve(sibling)))
                || content != null && isAnothers(name, results.resolve(plain), content);
        return taken ? distinct : plain;
    }

    /** Whether a result is there that was not made by this question: it is not done, and the result is another. */
    private boolean isAnothers(String name, Path result, String content) {
        if (!exists(result) || exists(done.resolve(name))) {
            return false;
        }
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        try {
            return !Files.isRegularFile(result, LinkOption.NOFOLLOW_LINKS)
                    || Files.size(result) != bytes.length
                    || !Arrays.equals(Files.readAllBytes(result), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean exists(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    /** Other questions with that stem. Extensions are read in upper and lower case. */
    private static Stream<String> siblings(String name, String stem) {
        return EXTENSIONS.stream()
                .flatMap(ResultNames::spellings)
                .map(other -> stem + "." + other)
                .filter(other -> !other.equals(name));
    }

    private static Stream<String> spellings(String extension) {
        return Stream.iterate(0, i -> i < 1 << extension.length(), i -> i + 1).map(upper -> {
            StringBuilder spelling = new StringBuilder();
            for (int i = 0; i < extension.length(); i++) {
                String letter = extension.substring(i, i + 1);
                spelling.append((upper >> i & 1) == 1 ? letter.toUpperCase(Locale.ROOT) : letter);
            }
            return spelling.toString();
        });
    }
}
