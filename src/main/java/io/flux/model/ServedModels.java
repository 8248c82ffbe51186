package io.flux.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The models that this process is configured to serve. Immutable. */
public final class ServedModels {
    private final Map<String, ModelSpec> models = new LinkedHashMap<>();

    /**
     * @param models at least one; no name or alias is there twice
     * @throws IllegalArgumentException when one is; the message names it
     */
    public ServedModels(List<ModelSpec> models) {
        Map<String, String> owners = new TreeMap<>();
        for (ModelSpec model : models) {
            this.models.put(model.name(), model);
            own(owners, model.name(), model);
            model.aliases().forEach(alias -> own(owners, alias, model));
        }
    }

    private static void own(Map<String, String> owners, String name, ModelSpec model) {
        String owner = owners.put(name, model.name());
        if (owner != null) {
            throw new IllegalArgumentException("'" + name + "' names two models: " + owner + " and " + model.name());
        }
    }

    /** The models in the order of their configuration. */
    public List<ModelSpec> all() {
        return List.copyOf(models.values());
    }

    /**
     * A model by its name.
     *
     * @throws IllegalArgumentException when it is not served here
     */
    public ModelSpec named(String name) {
        ModelSpec model = models.get(name);
        if (model == null) {
            throw new IllegalArgumentException("model " + name + " is not served here");
        }
        return model;
    }
}
