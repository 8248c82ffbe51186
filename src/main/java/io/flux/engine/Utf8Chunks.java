package io.flux.engine;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns a stream of bytes into text as it comes. Each read waits for the first byte only and takes what is there, so a
 * token is on its way the moment the engine flushes it. A character whose bytes are split between reads is kept until
 * it is whole; what is not UTF-8 becomes U+FFFD. For one thread.
 */
final class Utf8Chunks {
    /**
     * Large enough that an engine which writes as fast as it can is read in few steps. Small enough that a piece of it, even one of
     * which each character is escaped with six, fits into the 64 KiB that clients allow a frame of a WebSocket.
     */
    private static final int BUFFER_BYTES = 8 * 1024;

    private final InputStream in;
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES);
    private final CharBuffer chars = CharBuffer.allocate(BUFFER_BYTES + 1);
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);

    Utf8Chunks(InputStream in) {
        this.in = in;
    }

    /**
     * Waits for bytes and returns the characters that they complete.
     *
     * @return whole characters; empty when the bytes that came do not complete one; null at the end of the stream
     */
    String read() throws IOException {
        int count = in.read(bytes.array(), bytes.position(), bytes.remaining());
        if (count < 0) {
            return null;
        }
        bytes.position(bytes.position() + count);
        bytes.flip();
        decoder.decode(bytes, chars, false);
        bytes.compact();
        return take();
    }

    /** What an incomplete character at the very end stands for: U+FFFD, or nothing when there is none. */
    String rest() {
        bytes.flip();
        decoder.decode(bytes, chars, true);
        decoder.flush(chars);
        decoder.reset();
        bytes.clear();
        return take();
    }

    private String take() {
        String text = chars.flip().toString();
        chars.clear();
        return text;
    }
}
