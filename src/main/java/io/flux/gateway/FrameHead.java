package io.flux.gateway;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * What a rendition needs of every event: read without a tree, up to where {@code seq} stands, which is before all that is
 * long.
 *
 * @param seq 0 for an event that is not journaled
 */
record FrameHead(String type, long seq) {
    private static final JsonFactory JSON = new JsonFactory();

    static FrameHead of(String frame) {
        try (JsonParser parser = JSON.createParser(frame)) {
            String type = "";
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "type" -> type = parser.getText();
                    case "request_id" -> {
                        // it stands between the two
                    }
                    case "seq" -> {
                        return new FrameHead(type, parser.getLongValue());
                    }
                    default -> {
                        return new FrameHead(type, 0);
                    }
                }
            }
            return new FrameHead(type, 0);
        } catch (IOException e) {
            throw new IllegalArgumentException("not an event: " + frame, e);
        }
    }

    /** Whether it ends its job. */
    boolean isLast() {
        return seq > 0 && (type.equals("complete") || type.equals("error"));
    }

    /** Whether it answers the request, which is refused. */
    boolean isRefusal() {
        return seq == 0 && type.equals("error");
    }
}
