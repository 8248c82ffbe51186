package io.flux.access;

import java.security.MessageDigest;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** All keys that let somebody in, at a time. Immutable. */
final class KeyRing {
    private final List<Key> keys;

    /**
     * One key.
     *
     * @param hash its SHA-256; the key itself is known to its owner only
     * @param caller whom it lets in
     */
    record Key(byte[] hash, Caller caller) {}

    KeyRing(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * Whom a key lets in; null for nobody. Takes as long for every key, known or not: all hashes are compared, each to its
     * end.
     */
    Caller find(String key) {
        byte[] hash = KeyHash.of(key);
        Caller found = null;
        for (Key known : keys) {
            boolean same = MessageDigest.isEqual(known.hash(), hash);
            found = same ? known.caller() : found;
        }
        return found;
    }

    /** The names of the keys that are not in another ring, or may do something else there. */
    Set<String> without(KeyRing other) {
        Set<Caller> there = other.callers();
        return callers().stream()
                .filter(caller -> !there.contains(caller))
                .map(Caller::key)
                .collect(Collectors.toUnmodifiableSet());
    }

    private Set<Caller> callers() {
        return keys.stream().map(Key::caller).collect(Collectors.toUnmodifiableSet());
    }

    int size() {
        return keys.size();
    }
}
