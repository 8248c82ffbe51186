package io.flux.ledger;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.core.script.DefaultRedisScript;

/**
 * A script of {@code redis/}, with the verb that names it: measurements are told apart by it. Its text is read here: one that
 * has a file is asked for at each call whether the file has changed.
 */
final class NamedScript<T> extends DefaultRedisScript<T> {
    private final String verb;

    @SuppressWarnings("unchecked")
    NamedScript(String verb, Class<?> result) {
        super(read(verb), (Class<T>) result);
        this.verb = verb;
    }

    private static String read(String verb) {
        try {
            return new ClassPathResource("redis/" + verb + ".lua").getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("there is no script " + verb, e);
        }
    }

    String verb() {
        return verb;
    }
}
