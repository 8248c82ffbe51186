package io.flux.model;

import io.flux.text.Utf8;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;

/** A key that is read when it is needed, so that one that was changed is noticed, and that no log shows. Thread-safe. */
public final class Secret {
    private final String where;
    private final Supplier<String> source;

    private Secret(String where, Supplier<String> source) {
        this.where = where;
        this.source = source;
    }

    /** The value itself. */
    public static Secret of(String value) {
        return new Secret("a configured value", () -> value);
    }

    /** An environment variable of this process. */
    public static Secret ofEnvironment(String variable) {
        return new Secret("environment variable " + variable, () -> System.getenv(variable));
    }

    /** A file that holds nothing else, as Kubernetes mounts secrets. */
    public static Secret ofFile(Path file) {
        return new Secret("file " + file, () -> {
            try {
                return Utf8.read(file);
            } catch (IOException e) {
                throw new IllegalStateException("the key file " + file + " cannot be read: " + e.getMessage(), e);
            }
        });
    }

    /**
     * The value, without white space around it.
     *
     * @throws IllegalStateException when there is none; the message says where it was looked for
     */
    public String read() {
        String value = source.get();
        if (value == null || value.isBlank()) {
            throw new IllegalStateException(where + " holds no key");
        }
        return value.strip();
    }

    /** Where the key is, for operators: {@code file /run/secrets/key}. */
    public String where() {
        return where;
    }

    @Override
    public String toString() {
        return "Secret[" + where + "]";
    }
}
