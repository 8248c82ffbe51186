package io.flux.access;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import io.flux.config.NamedFile;
import io.flux.config.Problems;
import io.flux.config.YamlDocument;
import io.flux.config.YamlSchema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The file that {@code FLUX_KEYS} names: who may come in. {@code keys.schema.json} holds its rules, {@code
 * docs/keys.example.yaml} explains it.
 */
public final class KeysFile {
    private static final JsonPointer KEYS = JsonPointer.compile("/keys");
    /** What belongs to a tenant and not to one of its keys: Redis counts for the tenant. */
    private static final List<String> OF_THE_TENANT = List.of("jobs", "rate", "burst");

    private final YamlDocument document;
    private final Problems problems;

    private KeysFile(YamlDocument document, Problems problems) {
        this.document = document;
        this.problems = problems;
    }

    /**
     * Checks a file.
     *
     * @throws IllegalArgumentException when it is not there or breaks a rule; the message has a line for each, with its
     *     line in the file, and nothing of a key
     */
    public static void check(Path path) {
        NamedFile file = named(path);
        parse(file, file.text());
    }

    /**
     * Checks the text of a file.
     *
     * @param name what messages call it
     * @throws IllegalArgumentException as {@link #check(Path)} does
     */
    public static void check(String name, String text) {
        parse(named(Path.of(name)), text);
    }

    static NamedFile named(Path path) {
        return new NamedFile("FLUX_KEYS", path);
    }

    /**
     * Reads the text of a file.
     *
     * @throws IllegalArgumentException as {@link #check} does
     */
    static KeyRing parse(NamedFile file, String text) {
        Problems problems = new Problems(file.path().toString());
        YamlDocument document = YamlDocument.parse(text, problems);
        KeysFile keys = new KeysFile(document, problems);
        if (!document.root().isMissingNode()) {
            new YamlSchema("/keys.schema.json").check(document, problems);
            keys.checkRules();
        }
        problems.refuseAny();
        if (document.root().isMissingNode()) {
            throw file.refused("is empty: it needs keys: with at least one");
        }
        return keys.ring();
    }

    /** The rules that a schema cannot say, as they compare keys with each other. */
    private void checkRules() {
        Map<String, Integer> hashes = new HashMap<>();
        Map<String, Integer> tenants = new HashMap<>();
        JsonNode keys = document.root().path("keys");
        for (int i = 0; i < keys.size(); i++) {
            JsonPointer at = KEYS.appendIndex(i);
            String hash = keys.path(i).path("sha256").asText().toLowerCase(Locale.ROOT);
            Integer twin = hashes.putIfAbsent(hash, i);
            if (twin != null && !hash.isEmpty()) {
                add(at.appendProperty("sha256"), "is that of " + name(twin));
            }
            if (keys.path(i).has("burst") && !keys.path(i).has("rate")) {
                add(at.appendProperty("burst"), "needs a rate");
            }
            Integer first = tenants.putIfAbsent(keys.path(i).path("tenant").asText(), i);
            if (first != null) {
                checkTenant(keys, first, i);
            }
        }
    }

    private void checkTenant(JsonNode keys, int first, int i) {
        for (String limit : OF_THE_TENANT) {
            if (!keys.path(first).path(limit).equals(keys.path(i).path(limit))) {
                add(
                        KEYS.appendIndex(i).appendProperty(limit),
                        "must be as in " + name(first) + ": it belongs to the tenant, whichever key it comes with");
            }
        }
    }

    private String name(int index) {
        JsonPointer at = KEYS.appendIndex(index);
        return YamlDocument.name(at) + ", line " + document.line(at);
    }

    private void add(JsonPointer at, String rule) {
        problems.add(document.line(at), YamlDocument.name(at) + " " + rule);
    }

    private KeyRing ring() {
        List<KeyRing.Key> keys = new ArrayList<>();
        for (JsonNode entry : document.root().path("keys")) {
            byte[] hash = HexFormat.of().parseHex(entry.path("sha256").asText().toLowerCase(Locale.ROOT));
            Set<String> models = new HashSet<>();
            entry.path("models").forEach(model -> models.add(model.asText()));
            keys.add(new KeyRing.Key(
                    hash,
                    new Caller(
                            entry.path("tenant").asText(),
                            models,
                            entry.path("jobs").asInt(0),
                            rate(entry),
                            entry.path("operator").asText().equals("true"),
                            KeyHash.name(hash))));
        }
        return new KeyRing(keys);
    }

    private static Caller.Rate rate(JsonNode entry) {
        if (!entry.has("rate")) {
            return null;
        }
        double perSecond = entry.path("rate").asDouble();
        return new Caller.Rate(perSecond, entry.path("burst").asInt((int) Math.max(1, Math.ceil(perSecond))));
    }
}
