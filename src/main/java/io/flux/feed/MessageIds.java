package io.flux.feed;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;

/**
 * The request_id of a message that a source delivers: the same one each time that it is delivered, so that it is one job
 * however often it comes. Thread-safe.
 */
public final class MessageIds {
    private static final int READABLE = 64;
    private static final int DIGITS = 32;

    /**
     * An id made of what names the message in its source.
     *
     * @param source the kind of source, such as {@code file}
     * @param name what people call the message; in the id as far as its characters allow. Null when its source gives it
     *     none: then each delivery has an id of its own
     * @param more whatever else tells it from others
     * @return at most 128 characters that a request_id may have
     */
    public String of(String source, String name, Object... more) {
        if (name == null) {
            return source + ":unnamed:" + UUID.randomUUID();
        }
        StringBuilder whole = new StringBuilder(source).append('\n').append(name);
        for (Object part : more) {
            whole.append('\n').append(part);
        }
        String readable = name.replaceAll("[^A-Za-z0-9._-]", "_");
        return source + ":"
                + readable.substring(0, Math.min(READABLE, readable.length()))
                + ":"
                + digest(whole.toString());
    }

    private static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
