package io.flux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Where the wall clock of a process is read. It may be wrong by hours, and be set at any time: whatever measures a duration,
 * waits or decides that a time is over goes by {@link System#nanoTime}, and what several processes share by Redis's clock.
 */
class WallClockTest {
    private static final Path SOURCES = Path.of("src/main/java/io/flux");
    private static final Pattern READING =
            Pattern.compile("currentTimeMillis\\(|[cC]lock(\\(\\))?\\.(millis|instant)\\(|\\bClock\\.[a-zA-Z]+|"
                    + "\\b(Instant|LocalDate|LocalTime|LocalDateTime|ZonedDateTime|OffsetDateTime|Year)\\.now\\(|new Date\\(\\)|"
                    + "java\\.util\\.(Timer|Date|Calendar)\\b|parkUntil\\(|awaitUntil\\(");

    /** What a time of day is for, in each class that needs one. */
    private static final Map<String, String> ALLOWED = Map.ofEntries(
            Map.entry("CommonConfiguration.java", "gives the clock to those below"),
            Map.entry("bench/Report.java", "says when a bench was run"),
            Map.entry(
                    "callback/Callbacks.java",
                    "signs with the time, as the receiver's library expects, and says when an answer died"),
            Map.entry("embedded/BundledEngineCommand.java", "compares with the times of files"),
            Map.entry("engine/OpenAiServer.java", "its header Retry-After may be a date"),
            Map.entry("engine/RetryAfter.java", "a date of another machine's"),
            Map.entry("feed/DroppedFiles.java", "compares with the times of files"),
            Map.entry("observe/MeterClock.java", "begins with the time of day, and goes on by the monotonic clock"),
            Map.entry("openai/Requests.java", "says when an answer was created"),
            Map.entry("supervision/Reaper.java", "says when a job died"),
            Map.entry("worker/JobJournal.java", "says when a job died"),
            Map.entry("trace/OpenTelemetryTracing.java", "says when a span began"));

    @Test
    void theWallClockIsReadOnlyForTimesOfDay() throws IOException {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(".java")).toList()) {
                String name = SOURCES.relativize(file).toString();
                if (!ALLOWED.containsKey(name)) {
                    assertThat(READING.matcher(Files.readString(file)).results().map(found -> found.group()))
                            .as("%s: durations and deadlines go by System.nanoTime()", name)
                            .isEmpty();
                }
            }
        }
    }
}
