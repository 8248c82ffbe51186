package io.flux.gateway;

import java.util.Map;

/** The response to one HTTP request, for the {@link Rendition} that writes it. What comes after its end is dropped. */
public interface HttpAnswer {
    /** Whether {@link #head} was called. */
    boolean hasHead();

    /** Status and headers; once, before anything is written. */
    void head(int status, Map<String, String> headers);

    /** A whole answer, instead of {@link #head}. */
    void whole(int status, Map<String, String> headers, String body);

    /** A piece of the body. */
    void write(String text);

    /** The body is whole. */
    void end();

    /** The body stays incomplete, and the client can tell: its connection is cut. */
    void cut();
}
