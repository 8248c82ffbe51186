package io.flux.ledger;

import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.core.script.DefaultRedisScript;

/** A script of {@code redis/}, with the verb that names it: measurements are told apart by it. */
final class NamedScript<T> extends DefaultRedisScript<T> {
    private final String verb;

    @SuppressWarnings({"unchecked", "this-escape"})
    NamedScript(String verb, Class<?> result) {
        this.verb = verb;
        setLocation(new ClassPathResource("redis/" + verb + ".lua"));
        setResultType((Class<T>) result);
    }

    String verb() {
        return verb;
    }
}
