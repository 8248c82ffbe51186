package io.flux.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.function.Supplier;

/** Makes what HTTP clients are shown of jobs. Thread-safe. */
public final class Renditions {
    private final ObjectMapper mapper;
    private final JsonError errors;

    public Renditions(ObjectMapper mapper) {
        this.mapper = mapper;
        this.errors = new JsonError(mapper);
    }

    /** Server-sent events. */
    public Supplier<Rendition> eventStream() {
        return () -> new EventStream(errors);
    }

    /** One JSON body, when the job has ended. */
    public Supplier<Rendition> wholeAnswer() {
        return () -> new WholeAnswer(mapper, errors);
    }
}
