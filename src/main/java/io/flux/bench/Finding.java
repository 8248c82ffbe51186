package io.flux.bench;

import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * What a scenario has found.
 *
 * @param scenario its name
 * @param what it did, in a few words
 * @param streams answers that were checked
 * @param problems what was wrong with those that were not exact
 */
public record Finding(String scenario, String what, List<Measure> measures, int streams, List<String> problems) {
    static Finding of(String scenario, String what, Collection<StoryStream> streams, List<Measure> measures) {
        List<String> problems = streams.stream()
                .map(StoryStream::problem)
                .filter(Objects::nonNull)
                .toList();
        return new Finding(scenario, what, List.copyOf(measures), streams.size(), problems);
    }

    /** How many answers were exact: each token once, in order, and the end. */
    public int exact() {
        return streams - problems.size();
    }
}
