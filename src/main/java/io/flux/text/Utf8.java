package io.flux.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Text in UTF-8, as it comes from outside: a byte order mark at its beginning is no part of it, and what is not UTF-8 is
 * refused with its place. Every reader of text that people write goes through here. Stateless.
 */
public final class Utf8 {
    private static final int MARK = 3;

    private Utf8() {}

    /** Not text in UTF-8. The message says why, and where: {@code byte 0xE9 at line 3, column 7 is not UTF-8}. */
    public static final class NotUtf8Exception extends CharacterCodingException {
        private static final long serialVersionUID = 1L;

        private final String why;

        NotUtf8Exception(String why) {
            this.why = why;
        }

        @Override
        public String getMessage() {
            return why;
        }
    }

    /**
     * Reads a file.
     *
     * @throws NotUtf8Exception when it is not text in UTF-8
     * @throws IOException when it cannot be read
     */
    public static String read(Path file) throws IOException {
        return decode(Files.readAllBytes(file));
    }

    /**
     * The text without its byte order mark.
     *
     * @throws NotUtf8Exception when it is not text in UTF-8
     */
    public static String decode(byte[] bytes) throws NotUtf8Exception {
        if (isWide(bytes)) {
            throw new NotUtf8Exception("it is UTF-16 or UTF-32, and must be UTF-8");
        }
        int start = startsWith(bytes, 0xEF, 0xBB, 0xBF) ? MARK : 0;
        ByteBuffer in = ByteBuffer.wrap(bytes, start, bytes.length - start);
        CharBuffer out = CharBuffer.allocate(in.remaining());
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CoderResult result = decoder.decode(in, out, true);
        String text = out.flip().toString();
        if (result.isError()) {
            throw new NotUtf8Exception(String.format("byte 0x%02X at %s is not UTF-8", in.get(), place(text)));
        }
        return text;
    }

    /** Where a text ends, for people: {@code line 3, column 7}, both counted from 1. */
    public static String place(CharSequence before) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < before.length(); i++) {
            char each = before.charAt(i);
            if (each == '\n') {
                line++;
                column = 1;
            } else if (!Character.isLowSurrogate(each)) {
                column++;
            }
        }
        return "line " + line + ", column " + column;
    }

    /** By its byte order mark, or by the zeros that ASCII has there. */
    private static boolean isWide(byte[] bytes) {
        return startsWith(bytes, 0xFF, 0xFE)
                || startsWith(bytes, 0xFE, 0xFF)
                || startsWith(bytes, 0, 0, 0xFE, 0xFF)
                || startsWith(bytes, 0, 0, 0)
                || bytes.length > 1 && (bytes[0] == 0) != (bytes[1] == 0);
    }

    private static boolean startsWith(byte[] bytes, int... first) {
        if (bytes.length < first.length) {
            return false;
        }
        for (int i = 0; i < first.length; i++) {
            if ((bytes[i] & 0xff) != first[i]) {
                return false;
            }
        }
        return true;
    }
}
