package io.flux.http;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;

/** The content codings of HTTP that a body may have, inflated up to a bound: the rest of a bomb stays as it is. */
enum Inflation {
    /** RFC 1952. */
    GZIP {
        @Override
        byte[] inflate(byte[] body, int most) throws IOException {
            return read(new GZIPInputStream(new ByteArrayInputStream(body)), most);
        }
    },

    /** RFC 1950; some clients send RFC 1951, without its header, under the same name. */
    DEFLATE {
        @Override
        byte[] inflate(byte[] body, int most) throws IOException {
            try {
                return read(new InflaterInputStream(new ByteArrayInputStream(body)), most);
            } catch (ZipException e) {
                Inflater raw = new Inflater(true);
                try {
                    return read(new InflaterInputStream(new ByteArrayInputStream(body), raw), most);
                } finally {
                    raw.end();
                }
            }
        }
    };

    /** Null when there is none of that name. */
    static Inflation of(String name) {
        return switch (name) {
            case "gzip", "x-gzip" -> GZIP;
            case "deflate" -> DEFLATE;
            default -> null;
        };
    }

    /**
     * The body as it was before it was compressed; of one that was longer than allowed, one byte more than that.
     *
     * @param most bytes
     * @throws IOException when it is not compressed so
     */
    abstract byte[] inflate(byte[] body, int most) throws IOException;

    private static byte[] read(InputStream inflating, int most) throws IOException {
        try (inflating) {
            return inflating.readNBytes(most + 1);
        }
    }
}
