package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Dead letters for a reader. Prompts and what engines write come from anywhere, so that no control character of theirs
 * reaches the terminal.
 */
final class DeadText {
    private static final List<String> COLUMNS = List.of("REQUEST ID", "MODEL", "DIED", "ATTEMPTS", "EXIT", "ERROR");
    /** What has a place of its own in the text. */
    private static final Set<String> SHOWN =
            Set.of("code", "error", "attempts", "exit_code", "died_ms", "stderr", "model", "prompt", "messages");

    private final DateTimeFormatter listed;
    private final DateTimeFormatter exact;

    /**
     * @param zone whose time is shown
     */
    DeadText(ZoneId zone) {
        listed = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss", Locale.ROOT).withZone(zone);
        exact = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xxx", Locale.ROOT)
                .withZone(zone);
    }

    /** A line for each, in the order given, under a line that names the columns. */
    String table(JsonNode letters) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        letters.forEach(letter -> rows.add(row(letter)));
        return Plain.table(rows);
    }

    private List<String> row(JsonNode letter) {
        JsonNode failure = letter.path("failure");
        return List.of(
                Plain.oneLine(letter.path("request_id").asText("-")),
                Plain.oneLine(letter.path("model").asText("-")),
                time(failure.path("died_ms"), listed),
                failure.path("attempts").asText("-"),
                failure.path("exit_code").asText("-"),
                Plain.oneLine(failure.path("error").asText("-")));
    }

    /** All of one. */
    String whole(JsonNode letter) {
        JsonNode failure = letter.path("failure");
        JsonNode request = letter.path("request");
        StringBuilder text = new StringBuilder();
        text.append(Plain.oneLine(letter.path("request_id").asText("-"))).append('\n');
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("model", letter.path("model").asText("-"));
        facts.put("created", time(letter.path("created_ms"), exact));
        facts.put("died", time(failure.path("died_ms"), exact));
        facts.put("code", failure.path("code").asText("-"));
        facts.put("error", failure.path("error").asText("-"));
        facts.put("attempts", failure.path("attempts").asText("-"));
        facts.put("exit code", failure.path("exit_code").asText("none: it was not an engine that ended"));
        facts.putAll(others(failure));
        text.append(Plain.facts(facts));
        if (request.has("prompt")) {
            text.append("\nprompt\n").append(block(request.path("prompt").asText()));
        }
        for (JsonNode message : request.path("messages")) {
            text.append('\n')
                    .append(Plain.oneLine(message.path("role").asText("-")))
                    .append('\n');
            text.append(block(message.path("content").asText()));
        }
        text.append("\nparameters\n").append(Plain.facts(others(request)));
        if (!failure.path("stderr").asText().isBlank()) {
            text.append("\nstderr\n").append(block(failure.path("stderr").asText()));
        }
        return text.toString();
    }

    private static Map<String, String> others(JsonNode object) {
        Map<String, String> others = new LinkedHashMap<>();
        for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!SHOWN.contains(name)) {
                JsonNode value = object.path(name);
                others.put(name, value.isTextual() ? value.asText() : value.toString());
            }
        }
        return others;
    }

    private static String block(String text) {
        return Plain.harmless(text.stripTrailing())
                .lines()
                .map(line -> (Plain.INDENT + line).stripTrailing() + "\n")
                .collect(Collectors.joining());
    }

    private static String time(JsonNode ms, DateTimeFormatter format) {
        return ms.isNumber() ? format.format(Instant.ofEpochMilli(ms.asLong())) : "-";
    }
}
