package io.flux.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a bench's figures. */
class ReportTest {
    @TempDir
    Path folder;

    @Test
    void aPercentileIsTheLeastValueThatSoManyAreNotAbove() {
        Distribution values = Distribution.of(List.of(4.0, 1.0, 3.0, 2.0));
        assertThat(values.percentile(50)).isEqualTo(2);
        assertThat(values.percentile(75)).isEqualTo(3);
        assertThat(values.percentile(99)).isEqualTo(4);
        assertThat(values.max()).isEqualTo(4);
        assertThat(Distribution.of(List.of()).percentile(50)).isNaN();
    }

    @Test
    void aBudgetBoundsFromAboveOrFromBelow() {
        assertThat(Measure.atMost(5, "ms", 5).isMet()).isTrue();
        assertThat(Measure.atMost(5, "ms", 5.1).isMet()).isFalse();
        assertThat(Measure.atMost(5, "ms", Double.NaN).isMet()).isFalse();
        assertThat(Measure.atLeast(5, "a second", 4).isMet()).isFalse();
        assertThat(new Measure("ms", 1000).isMet()).isTrue();
    }

    @Test
    void aReportKnowsWhetherAllWasExactAndIsDataToCompareWith() {
        StoryStream exact = new StoryStream(new Story(1, 0));
        exact.received("{\"type\":\"token\",\"seq\":1,\"content\":\" 0001\"}");
        exact.received("{\"type\":\"complete\",\"seq\":2}");
        Report report = new Report();
        report.add(Finding.of("good", "…", List.of(exact), List.of(new Measure("ms", 1.23456))));
        assertThat(report.isWhole()).isTrue();
        report.add(Finding.of("bad", "…", List.of(exact, new StoryStream(new Story(1, 0))), List.of()));
        assertThat(report.isWhole()).isFalse();

        JsonNode data = new ObjectMapper().valueToTree(report.data());
        assertThat(data.at("/scenarios/good/ms").asDouble()).isEqualTo(1.235);
        assertThat(data.at("/scenarios/bad/answers checked").asInt()).isEqualTo(2);
        assertThat(data.at("/scenarios/bad/answers exact").asInt()).isEqualTo(1);
        assertThat(data.at("/machine/processors").asInt()).isPositive();
    }

    @Test
    void aTokenIsAsLateAsItsLastCharacterAndOnlyThoseOfTheTimeAreCounted() throws IOException {
        Story story = new Story(3, 0, "a-1");
        Stamps stamps = Stamps.write(folder, story);
        StoryStream stream = new StoryStream(story);
        stamps.set(0, System.nanoTime());
        stream.received("{\"type\":\"token\",\"seq\":1,\"content\":\" 0001 00\"}");
        stamps.set(1, System.nanoTime());
        stream.received("{\"type\":\"token\",\"seq\":2,\"content\":\"02 0003\"}");

        Relay relay = Relay.of(folder, List.of(stream));
        assertThat(relay.tokens()).as("the third was never written").isEqualTo(2);
        assertThat(relay.events()).isEqualTo(2);
        long second = stream.arrivals().get(1).nanos() - stamps.get(1);
        assertThat(relay.latencies().percentile(0)).isLessThanOrEqualTo(second / 1e6);
        assertThat(Stamps.read(folder, new Story(1, 0, "none")).get(0)).isZero();
    }
}
