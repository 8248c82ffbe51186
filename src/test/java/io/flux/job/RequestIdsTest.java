package io.flux.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RequestIdsTest {

    @Test
    void idsAreShortDifferentAndMayStandInAMessageAndOnACommandLine() {
        RequestIds ids = new RequestIds();
        assertThat(Stream.generate(ids).limit(1000))
                .doesNotHaveDuplicates()
                .allMatch(id -> id.matches("[A-Za-z0-9_][A-Za-z0-9_-]{21}"));
    }
}
