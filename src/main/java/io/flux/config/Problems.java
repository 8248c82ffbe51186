package io.flux.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What is wrong with a file, line by line, so that one look at it mends all of it. Not thread-safe. */
public final class Problems {
    /** More than anybody mends in one go; the rest is often a consequence of these. */
    private static final int SHOWN = 20;

    private final String file;
    private final List<Problem> found = new ArrayList<>();

    private record Problem(int line, String text) {}

    /** @param file how messages call it */
    public Problems(String file) {
        this.file = file;
    }

    /**
     * @param line counted from 1
     * @param text what is wrong, beginning with what it is wrong with
     */
    public void add(int line, String text) {
        found.add(new Problem(line, text));
    }

    /** @throws IllegalArgumentException when there are any, with one line for each, in the order of the file */
    public void refuseAny() {
        if (found.isEmpty()) {
            return;
        }
        String lines = found.stream()
                .distinct()
                .sorted(Comparator.comparingInt(Problem::line))
                .limit(SHOWN)
                .map(problem -> file + " line " + problem.line() + ": " + problem.text())
                .collect(Collectors.joining("\n"));
        long more = found.stream().distinct().count() - SHOWN;
        throw new IllegalArgumentException(more > 0 ? lines + "\n… and " + more + " more" : lines);
    }
}
