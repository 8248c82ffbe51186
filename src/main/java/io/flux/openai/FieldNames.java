package io.flux.openai;

import java.util.Map;

/**
 * What a client calls the fields that Flux names in an error.
 *
 * @param byFlux OpenAI's names by Flux's, where they differ
 */
record FieldNames(Map<String, String> byFlux) {
    /** Where nothing was translated yet. */
    static final FieldNames SAME = new FieldNames(Map.of());

    FieldNames {
        byFlux = Map.copyOf(byFlux);
    }

    /** A field as the client knows it; null for null. */
    String of(String field) {
        return field == null ? null : byFlux.getOrDefault(field, field);
    }

    /** A sentence about a field; one that begins with its name begins with the client's name for it. */
    String sentence(String field, String sentence) {
        return field != null && sentence.startsWith(field + " ")
                ? of(field) + sentence.substring(field.length())
                : sentence;
    }
}
