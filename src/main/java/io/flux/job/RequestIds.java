package io.flux.job;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.function.Supplier;

/**
 * Makes ids that nobody can guess: 128 random bits as 22 characters, short because every event carries one. None begins
 * with a dash: on a command line it would be an option.
 */
public final class RequestIds implements Supplier<String> {
    private final SecureRandom random = new SecureRandom();

    @Override
    public String get() {
        byte[] bits = new byte[16];
        String id;
        do {
            random.nextBytes(bits);
            id = Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
        } while (id.startsWith("-"));
        return id;
    }
}
