package io.flux.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flux.access.Caller;
import io.flux.job.Event;
import io.flux.job.Excerpt;
import io.flux.job.Refusal;
import io.flux.model.Admission;

/** The models that a caller may ask, as OpenAI lists its own. Thread-safe; knows what the directory of models knows. */
public final class Models {
    private final Admission admission;

    public Models(Admission admission) {
        this.admission = admission;
    }

    /** All of them, by their own names. */
    public ObjectNode list(Caller caller) {
        ObjectNode list = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = list.putArray("data");
        admission.report(null, caller).models().forEach(model -> data.add(json(model)));
        return list;
    }

    /**
     * One of them.
     *
     * @param name its own, or another that it goes by
     * @throws Refusal {@code not_found}, also when it is there and not for this caller
     */
    public ObjectNode one(String name, Caller caller) {
        return admission.report(null, caller).models().stream()
                .filter(model -> model.name().equals(name) || model.aliases().contains(name))
                .findFirst()
                .map(Models::json)
                .orElseThrow(() -> new Refusal(Event.Error.answer(
                        null, "not_found", "the model '" + Excerpt.of(name) + "' does not exist", "model")));
    }

    /** When it was made is not known; clients in typed languages want a number. */
    private static ObjectNode json(Admission.Model model) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", model.name())
                .put("object", "model")
                .put("created", 0)
                .put("owned_by", "flux");
    }
}
