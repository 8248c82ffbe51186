package io.flux.model;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * A model that a worker serves, as it is configured: an entry of {@code models.yaml}, or the {@code FLUX_MODEL…} options.
 *
 * @param name what clients call it and its queue is named after
 * @param aliases other names that clients may use; may be empty
 * @param engine the kamelet that answers for it: {@code bundled}, {@code llama-completion}, {@code llama-server}, {@code
 *     openai}, or one of a team's own
 * @param file its GGUF; null for the shipped one, and where the engine needs none
 * @param template the name of its chat template; null for the engine's choice: the model's own where the engine can read
 *     it (llama-server, openai), else chatml
 * @param context tokens of one job's context; 0 for the model's own
 * @param slots jobs that are served at the same time, at least 1
 * @param threads threads of an engine; 0 for what suits the machine
 * @param args more of the engine's own command-line arguments, appended as they are; may be empty
 * @param upstream where the model is, for the engine {@code openai}; null for others
 * @param parameters defaults and bounds of what requests ask for
 */
public record ModelSpec(
        String name,
        List<String> aliases,
        String engine,
        Path file,
        String template,
        int context,
        int slots,
        int threads,
        List<String> args,
        Upstream upstream,
        Parameters parameters) {

    public ModelSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(engine, "engine");
        Objects.requireNonNull(parameters, "parameters");
        aliases = List.copyOf(aliases);
        args = List.copyOf(args);
    }

    /** What the model's engine can do with a request. */
    public Features features() {
        return switch (engine) {
            case "bundled", "llama-completion", "llama-server" -> new Features(true, true, true);
            case "openai" -> new Features(upstream.continuation() != Continuation.NO, true, false);
            // A team's own kamelet is given the text so far, and what it makes of schemas is not known here.
            default -> new Features(true, true, true);
        };
    }

    /**
     * What an engine can do.
     *
     * @param continuation whether it can go on in the middle of a text
     * @param jsonSchema whether it can keep to a JSON schema
     * @param grammar whether it can keep to a GBNF grammar
     */
    public record Features(boolean continuation, boolean jsonSchema, boolean grammar) {}

    /**
     * A server that speaks OpenAI's API.
     *
     * @param url its base, {@code https://host/v1}
     * @param model what it calls the model
     * @param key its API key; null when it wants none
     * @param continuation how a text is continued there
     */
    public record Upstream(URI url, String model, Secret key, Continuation continuation) {
        public Upstream {
            Objects.requireNonNull(url, "url");
            Objects.requireNonNull(model, "model");
            Objects.requireNonNull(continuation, "continuation");
        }
    }

    /** How a server that speaks OpenAI's chat API is made to go on with a text that it began. */
    public enum Continuation {
        /** It cannot: another attempt begins anew. */
        NO,
        /** The text so far is the last, an assistant's, message, and it goes on from there: llama-server, and others. */
        PREFILL,
        /** As {@link #PREFILL}, and it has to be told, with {@code continue_final_message}: vLLM. */
        FINAL_MESSAGE;

        /** The name in configuration: {@code no}, {@code prefill}, {@code final-message}. */
        public String configName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
