package io.flux.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Keys and what is kept of them: their SHA-256. A slow hash guards passwords, which people choose and others guess; nobody
 * guesses 256 random bits, however fast he may try, and a fast hash costs a gateway nothing for each request.
 */
public final class KeyHash {
    private static final int BYTES = 32;
    private static final String PREFIX = "flux_";
    private static final int NAME = 12;

    private KeyHash() {}

    /** A new key: 256 random bits, as letters, digits, - and _. */
    public static String newKey() {
        byte[] random = new byte[BYTES];
        new SecureRandom().nextBytes(random);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    /** What is kept of a key, in hex. */
    public static String hex(String key) {
        return HexFormat.of().formatHex(of(key));
    }

    static byte[] of(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /** What logs and callers call a key. */
    static String name(byte[] hash) {
        return HexFormat.of().formatHex(hash).substring(0, NAME);
    }
}
