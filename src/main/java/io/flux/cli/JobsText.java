package io.flux.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jobs for a reader. Only ids, names and figures: never what was asked or answered. */
final class JobsText {
    private static final List<String> COLUMNS =
            List.of("REQUEST ID", "MODEL", "STATE", "AGE", "ATTEMPT", "FOR", "WORKER");
    private static final int BAR = 40;

    private final DateTimeFormatter clock;
    private final DateTimeFormatter day;

    /**
     * @param zone whose time is shown
     */
    JobsText(ZoneId zone) {
        clock = DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT).withZone(zone);
        day = DateTimeFormatter.ofPattern("uuuu-MM-dd xxx", Locale.ROOT).withZone(zone);
    }

    /** A line for each job under one that names the columns, and how many there are besides; empty when there is none. */
    static String table(JsonNode models) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        StringBuilder more = new StringBuilder();
        for (JsonNode model : models) {
            String name = Plain.oneLine(model.path("model").asText("-"));
            model.path("jobs").forEach(job -> rows.add(row(name, job)));
            int running = model.path("running").asInt();
            int waiting = model.path("waiting").asInt();
            if (running + waiting > model.path("jobs").size()) {
                more.append(String.format(
                        Locale.ROOT,
                        "%s: %d of %d shown; %d run, %d wait; --limit shows more%n",
                        name,
                        model.path("jobs").size(),
                        running + waiting,
                        running,
                        waiting));
            }
        }
        return (rows.size() == 1 ? "" : Plain.table(rows)) + more;
    }

    private static List<String> row(String model, JsonNode job) {
        JsonNode position = job.path("position");
        return List.of(
                Plain.oneLine(job.path("request_id").asText("-")),
                model,
                job.path("state").asText("-") + (position.isNumber() ? " #" + position.asText() : ""),
                Display.time(job.path("age_ms").asLong()),
                job.path("attempts").asInt() == 0 ? "-" : job.path("attempts").asText(),
                job.has("attempt_ms") ? Display.time(job.path("attempt_ms").asLong()) : "-",
                Plain.oneLine(job.path("worker").asText("-")));
    }

    /** All of one. */
    String life(JsonNode job) {
        return Plain.oneLine(job.path("request_id").asText("-")) + "\n" + Plain.facts(facts(job)) + timeline(job)
                + bars(job);
    }

    private static Map<String, String> facts(JsonNode job) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("model", job.path("model").asText("-"));
        facts.put("state", state(job));
        if (job.has("error")) {
            facts.put("error", job.path("error").path("error").asText("-"));
        }
        JsonNode record = job.path("record");
        if (record.path("attempts").asInt() > 0) {
            facts.put("attempts", record.path("attempts").asText());
            facts.put("resumes", record.path("resumes").asText("-"));
            facts.put("worker", record.path("worker").asText("-"));
        }
        JsonNode usage = job.path("usage");
        if (usage.has("completion_tokens")) {
            facts.put(
                    "tokens",
                    (usage.has("prompt_tokens") ? usage.path("prompt_tokens").asText() + " read, " : "")
                            + usage.path("completion_tokens").asText() + " written"
                            + (usage.path("estimated").asBoolean() ? ", estimated" : ""));
        }
        if (job.path("timings").has("tokens_per_second")) {
            facts.put("tokens/s", job.path("timings").path("tokens_per_second").asText());
        }
        return facts;
    }

    private static String state(JsonNode job) {
        String state = job.path("state").asText("-");
        if (job.has("finish_reason")) {
            return state + ", " + job.path("finish_reason").asText();
        }
        if (job.has("error")) {
            return state + ", " + job.path("error").path("code").asText();
        }
        return job.has("position") ? state + ", number " + job.path("position").asText() + " in line" : state;
    }

    private String timeline(JsonNode job) {
        JsonNode record = job.path("record");
        if (!record.path("created_ms").isNumber()) {
            return "";
        }
        long created = record.path("created_ms").asLong();
        List<List<String>> rows = new ArrayList<>();
        rows.add(row(created, created, "created"));
        if (record.has("accepted_ms")) {
            rows.add(row(created, record.path("accepted_ms").asLong(), "in line"));
        }
        JsonNode history = record.path("history");
        for (int i = 0; i < history.size(); i++) {
            JsonNode attempt = history.get(i);
            boolean last = i == history.size() - 1;
            long began = attempt.path("began_ms").asLong();
            String name = "attempt " + attempt.path("attempt").asText();
            rows.add(row(
                    created,
                    began,
                    name + " begins at " + attempt.path("worker").asText("-")));
            JsonNode first = job.path("timings").path("ttft_ms");
            if (last && first.isNumber()) {
                rows.add(row(created, began + first.asLong(), "first text"));
            }
            if (attempt.has("ended_ms") && !(last && record.has("ended_ms"))) {
                rows.add(row(
                        created,
                        attempt.path("ended_ms").asLong(),
                        name + " is over: " + attempt.path("outcome").asText("-")));
            }
        }
        if (record.has("ended_ms")) {
            rows.add(row(created, record.path("ended_ms").asLong(), "end"));
        }
        rows.add(0, List.of("    " + day.format(Instant.ofEpochMilli(created)), "AFTER", "WHAT"));
        return "\n" + Plain.table(rows);
    }

    private List<String> row(long created, long at, String what) {
        return List.of(
                Plain.INDENT + clock.format(Instant.ofEpochMilli(at)),
                at == created ? "" : Display.time(at - created),
                Plain.oneLine(what));
    }

    private static String bars(JsonNode job) {
        JsonNode timings = job.path("timings");
        JsonNode overhead = timings.path("overhead");
        Map<String, Double> parts = new LinkedHashMap<>();
        put(parts, "queue", timings.path("queue_ms"));
        put(parts, "queue again", timings.path("requeue_ms"));
        put(parts, "engine: load", timings.path("load_ms"));
        put(parts, "engine: prompt", timings.path("prompt_eval_ms"));
        put(parts, "engine: answer", timings.path("eval_ms"));
        put(parts, "flux: to engine", overhead.path("dispatch_ms"));
        put(parts, "flux: to journal", overhead.path("relay_ms"));
        if (parts.isEmpty()) {
            return "";
        }
        double longest =
                parts.values().stream().mapToDouble(Double::doubleValue).max().orElse(0);
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of(Plain.INDENT + "WHERE THE TIME WENT", "", ""));
        parts.forEach((name, ms) -> rows.add(List.of(
                Plain.INDENT + name,
                ms < 100 ? String.format(Locale.ROOT, "%.1f ms", ms) : Display.time(Math.round(ms)),
                "█".repeat(longest == 0 ? 0 : (int) Math.round(BAR * ms / longest)))));
        String mean = overhead.has("relay_mean_ms")
                ? String.format(
                        Locale.ROOT,
                        "%s%s for each of %d texts from engine to journal%n",
                        Plain.INDENT,
                        overhead.path("relay_mean_ms").asText() + " ms",
                        overhead.path("texts").asInt())
                : "";
        return "\n" + Plain.table(rows).replaceAll("(?m) +$", "") + mean;
    }

    private static void put(Map<String, Double> parts, String name, JsonNode ms) {
        if (ms.isNumber()) {
            parts.put(name, ms.asDouble());
        }
    }
}
