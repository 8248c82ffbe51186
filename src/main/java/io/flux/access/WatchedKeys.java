package io.flux.access;

import io.flux.config.NamedFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys as their file says them now. Whoever changes the file, in place or by another in its place as Kubernetes does,
 * changes the keys; a wrong file changes nothing. Thread-safe.
 */
public final class WatchedKeys {
    private static final Logger LOG = LoggerFactory.getLogger(WatchedKeys.class);

    /** Null where there are no keys. */
    private final NamedFile file;

    private volatile KeyRing ring;
    private String text;
    private String complaint = "";

    private WatchedKeys() {
        this.file = null;
        this.ring = new KeyRing(List.of());
    }

    /**
     * Reads the file.
     *
     * @throws IllegalArgumentException when the file is wrong; the message says where
     */
    public WatchedKeys(Path path) {
        this.file = KeysFile.named(path);
        this.text = file.text();
        this.ring = KeysFile.parse(file, text);
        LOG.info("Keys in {}: {}", path, ring.size());
    }

    /** Where nobody needs a key, and no key lets anybody in. */
    public static WatchedKeys none() {
        return new WatchedKeys();
    }

    /** Whom a key lets in; null for nobody. */
    public Caller find(String key) {
        return ring.find(key);
    }

    /**
     * Reads the file again when it has changed; blocks for that.
     *
     * @return the names ({@link Caller#key}) of the keys that let nobody in any more, or let him do something else
     */
    public synchronized Set<String> refresh() {
        if (file == null) {
            return Set.of();
        }
        try {
            String now = file.text();
            if (now.equals(text)) {
                complaint = "";
                return Set.of();
            }
            KeyRing fresh = KeysFile.parse(file, now);
            Set<String> gone = ring.without(fresh);
            ring = fresh;
            text = now;
            complaint = "";
            LOG.info("Keys in {}, which has changed: {}; gone or changed: {}", file.path(), fresh.size(), gone.size());
            return gone;
        } catch (IllegalArgumentException e) {
            if (!complaint.equals(e.getMessage())) {
                complaint = e.getMessage();
                LOG.warn("the keys stay as they were: {}", complaint);
            }
            return Set.of();
        }
    }
}
