package io.flux.ledger;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.core.script.DigestUtils;
import org.springframework.data.redis.core.script.RedisScript;

/**
 * A script of {@code redis/}, with the verb that names it: measurements are told apart by it. Read once; the stock script asks
 * the file system at each call whether its file has changed.
 */
final class NamedScript<T> implements RedisScript<T> {
    private final String verb;
    private final String text;
    private final String sha1;
    private final Class<T> result;

    @SuppressWarnings("unchecked")
    NamedScript(String verb, Class<?> result) {
        this.verb = verb;
        this.text = read(verb);
        this.sha1 = DigestUtils.sha1DigestAsHex(text);
        this.result = (Class<T>) result;
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

    @Override
    public String getSha1() {
        return sha1;
    }

    @Override
    public Class<T> getResultType() {
        return result;
    }

    @Override
    public String getScriptAsString() {
        return text;
    }
}
