package io.flux.openai;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.gateway.ErrorReply;

/** What a client is told when a step failed for it, where no job answers. Thread-safe. */
public final class Failures {
    private final ErrorReply replies;
    private final ObjectMapper mapper;

    public Failures(ErrorReply replies, ObjectMapper mapper) {
        this.replies = replies;
        this.mapper = mapper;
    }

    /** A refusal's own words; for anything else, what a client may know of it. */
    public ApiError of(Throwable failure) {
        return ApiError.of(Json.read(mapper, replies.frame(failure, null)), FieldNames.SAME);
    }
}
