package io.flux.e2e;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A client, whatever its door: keeps every event that comes, in order. */
abstract class FluxClient implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final List<JsonNode> events = new CopyOnWriteArrayList<>();

    /** Keeps what came. */
    final void received(String frame) {
        try {
            events.add(JSON.readTree(frame));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("not JSON: " + frame, e);
        }
    }

    /** Everything that came so far. */
    List<JsonNode> events() {
        return List.copyOf(events);
    }

    /** What came so far of one job. */
    List<JsonNode> events(String id) {
        return events.stream()
                .filter(event -> event.path("request_id").asText().equals(id))
                .toList();
    }

    /** What came so far of one job and one type. */
    List<JsonNode> events(String id, String type) {
        return events(id).stream().filter(event -> type(event).equals(type)).toList();
    }

    /** The text of a job as far as it came. */
    String text(String id) {
        return events(id, "token").stream()
                .map(event -> event.path("content").asText())
                .collect(Collectors.joining());
    }

    /** The first event of this job and type, now or as soon as it comes. */
    JsonNode await(String id, String type) {
        return await(
                type + " of " + id,
                event -> type(event).equals(type)
                        && event.path("request_id").asText().equals(id));
    }

    /** The first event that matches, now or as soon as it comes. */
    JsonNode await(String what, Predicate<JsonNode> wanted) {
        try {
            return Awaitility.await(what)
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> events.stream().filter(wanted).findFirst().orElse(null), event -> event != null);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(what + " did not come; the last that came: " + lastEvents(), e);
        }
    }

    /** The event that comes after so many others, now or as soon as it comes. */
    JsonNode awaitNext(int eventsBefore) {
        return Awaitility.await("an answer")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> events.size() > eventsBefore ? events.get(eventsBefore) : null, event -> event != null);
    }

    /** The event that ends a job. */
    JsonNode awaitEnd(String id) {
        return await(
                "the end of " + id,
                event -> isEnd(event) && event.path("request_id").asText().equals(id));
    }

    /** Asserts that a job's events are numbered from {@code first} on, without a hole or a repeat. */
    void assertGapless(String id, long first) {
        List<Long> numbers = events(id).stream()
                .filter(event -> event.has("seq"))
                .map(event -> event.path("seq").asLong())
                .toList();
        Assertions.assertThat(numbers)
                .as("seq of %s", id)
                .containsExactlyElementsOf(
                        LongStream.range(first, first + numbers.size()).boxed().toList());
    }

    static String type(JsonNode event) {
        return event.path("type").asText();
    }

    private static boolean isEnd(JsonNode event) {
        return event.has("seq")
                && (type(event).equals("complete") || type(event).equals("error"));
    }

    private List<JsonNode> lastEvents() {
        List<JsonNode> all = events();
        return all.subList(Math.max(0, all.size() - 5), all.size());
    }

    /** Asserts that this client has seen what another has seen of a job, as far as it is in the journal. */
    void assertSawAllThat(FluxClient other, String id) {
        Assertions.assertThat(journaled(id)).isEqualTo(other.journaled(id));
    }

    private List<JsonNode> journaled(String id) {
        return events(id).stream().filter(event -> event.has("seq")).toList();
    }

    @Override
    public abstract void close();
}
