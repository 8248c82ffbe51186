package io.flux.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;

/**
 * What a process says about a model to the others.
 *
 * @param name its name
 * @param aliases other names that clients may use
 * @param engine what answers for it
 * @param context tokens of a job's context as configured; 0 for the model's own
 * @param slots jobs that the process can serve at the same time now; 0 when it serves none
 * @param features what requests may ask for: {@link #JSON_SCHEMA}, {@link #GRAMMAR}
 * @param parameters defaults and bounds
 */
record ModelDescription(
        @JsonProperty("name") String name,
        @JsonProperty("aliases") List<String> aliases,
        @JsonProperty("engine") String engine,
        @JsonProperty("context") int context,
        @JsonProperty("slots") int slots,
        @JsonProperty("features") List<String> features,
        @JsonProperty("parameters") Parameters parameters) {
    static final String JSON_SCHEMA = "json_schema";
    static final String GRAMMAR = "grammar";

    static ModelDescription of(ModelSpec model, int slots) {
        List<String> features = new ArrayList<>();
        if (model.features().jsonSchema()) {
            features.add(JSON_SCHEMA);
        }
        if (model.features().grammar()) {
            features.add(GRAMMAR);
        }
        return new ModelDescription(
                model.name(), model.aliases(), model.engine(), model.context(), slots, features, model.parameters());
    }
}
